// Any text is answered; what is understood is answered with a bare number of sane length, the same each time.
#include <cstdint>
#include <string_view>

#include "core/base/assert.h"
#include "core/serve/arithmetic.h"
#include "core/serve/arithmetic_parser.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace retort;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const ArithmeticAnswer answer = answer_arithmetic(text, size);
  const auto problem = parse_arithmetic(text);
  RETORT_ASSERT(answer.understood == problem.has_value());
  if (!problem) return 0;
  for (const std::string& number : {problem->first, problem->second}) {
    RETORT_ASSERT(!number.empty() && number.size() <= 18);
    RETORT_ASSERT(number.find_first_not_of("0123456789") == std::string::npos);
    RETORT_ASSERT(number == "0" || number.front() != '0');
  }
  RETORT_ASSERT(!answer.answer.empty() && answer.answer.size() <= 19);
  RETORT_ASSERT(answer.answer.find_first_not_of("0123456789", answer.answer.front() == '-' ? 1 : 0) ==
                std::string::npos);
  RETORT_ASSERT(!answer.reasoning.empty() && answer.reasoning.size() < 1000);
  RETORT_ASSERT(answer_arithmetic(text, size).reasoning == answer.reasoning);
  return 0;
}
