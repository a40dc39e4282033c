// Any body becomes a request or an error; whatever is accepted can be answered, in both forms, as valid JSON.
#include <cstdint>
#include <string_view>

#include "core/base/assert.h"
#include "core/serve/builtin_teacher.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace retort;
  const auto parsed = parse_chat_request({reinterpret_cast<const char*>(data), size});
  if (const auto* error = std::get_if<ChatError>(&parsed)) {
    RETORT_ASSERT(error->status == 400);
    RETORT_ASSERT(parse_json(chat_error_body(*error)).has_value());
    return 0;
  }
  const auto& request = std::get<ChatRequest>(parsed);
  RETORT_ASSERT(request.samples >= 1 && request.samples <= kSamplesMax);
  RETORT_ASSERT(bytes_of_tokens(request.last_user_text, count_tokens(request.last_user_text)) ==
                request.last_user_text.size());
  static const auto kTeacher = make_arithmetic_teacher();
  const ChatAnswer answer = teach(*kTeacher, request, 0, 1, 0);
  RETORT_ASSERT(answer.choices.size() == static_cast<std::size_t>(request.samples));
  RETORT_ASSERT(!request.max_tokens || answer.completion_tokens <= *request.max_tokens * request.samples);
  RETORT_ASSERT(parse_json(chat_body(answer)).has_value());
  RETORT_ASSERT(chat_events(answer, request.stream_usage).back() == "data: [DONE]\n\n");
  return 0;
}
