// Any bytes under any status become a Reply: text that is valid UTF-8, counts that are not negative, words that are
// named, details of one bounded line; and what is decoded twice is decoded equally.
#include <cstdint>
#include <string_view>

#include "core/base/text.h"
#include "core/teacher/openai_chat.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace retort;
  static const auto teacher = make_openai_chat({"http://t/v1", "m", Prices({1, 2}), "max_tokens"});
  // The first byte chooses the status; the rest is the body.
  constexpr int kStatuses[] = {200, 200, 200, 200, 204, 307, 400, 401, 402, 404, 429, 500, 529};
  const int status = size == 0 ? 200 : kStatuses[data[0] % std::size(kStatuses)];
  const std::string_view body(reinterpret_cast<const char*>(data) + (size > 0 ? 1 : 0), size > 0 ? size - 1 : 0);
  const Reply reply = teacher->decode({status, {}}, body);
  if (const auto* answer = std::get_if<Answer>(&reply)) {
    RETORT_ASSERT(!answer->choices.empty());
    const Response* response = &answer->choices.front();
    RETORT_ASSERT(status == 200);
    for (const std::string* text : {&response->text, &response->reasoning, &response->refusal,
                                    &response->provider_finish, &response->served_model, &response->provider_id}) {
      RETORT_ASSERT(is_valid_utf8(*text));
    }
    RETORT_ASSERT(response->usage.input.value_or(0) >= 0 && response->usage.output.value_or(0) >= 0);
    const Reply again = teacher->decode({status, {}}, body);
    RETORT_ASSERT(std::get<Answer>(again).choices.front().text == response->text);
    // What was decoded can be written again.
    RETORT_ASSERT(parse_json(dump_json({{"text", response->text}, {"calls", response->tool_calls}})).has_value());
  } else {
    const Rejection& rejection = std::get<Rejection>(reply);
    RETORT_ASSERT(!rejection.word.empty());
    RETORT_ASSERT(is_valid_utf8(rejection.detail) && rejection.detail.size() < 1024);
    RETORT_ASSERT(rejection.detail.find('\n') == std::string::npos);
  }
  return 0;
}
