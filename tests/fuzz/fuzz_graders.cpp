// Any answer is graded: mathematics, numbers, choices, judgements and the replies of commands; each equals itself.
#include <cstdint>
#include <string_view>

#include "core/base/assert.h"
#include "core/grade/choice_grader.h"
#include "core/grade/command_grader.h"
#include "core/grade/judge.h"
#include "core/grade/math_equal.h"
#include "core/grade/math_grader.h"
#include "core/grade/number_grader.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace retort;
  const std::string_view text(reinterpret_cast<const char*>(data), size < 4000 ? size : 4000);
  const std::string_view final = final_mathematics(text);
  RETORT_ASSERT(final.empty() || (final.data() >= text.data() && final.data() + final.size() <= text.data() + size));
  const std::size_t half = text.find('|');
  const auto first = parse_math(text.substr(0, half));
  const auto second = parse_math(half == std::string_view::npos ? final : text.substr(half + 1));
  if (first && second) RETORT_ASSERT(math_equal(*first, *second) == math_equal(*first, *second));
  if (const auto number = read_number(text)) RETORT_ASSERT(same_number(*number, *number));
  last_number(text);
  RETORT_ASSERT(chosen_letters(text).size() <= 26);
  if (const auto reply = parse_command_reply(text, 0)) RETORT_ASSERT(reply->score >= 0 && reply->score <= 1);
  const Grade judged = parse_judgement(text);
  RETORT_ASSERT(judged.score >= 0 && judged.score <= 1);
  return 0;
}
