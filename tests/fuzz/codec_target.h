// What every dialect promises of any bytes under any status: they become a Reply; texts are valid UTF-8, counts are not
// negative, words are named, details are one bounded line; and what is decoded twice is decoded equally.
#pragma once

#include <cstdint>
#include <string_view>

#include "core/base/text.h"
#include "core/teacher/teacher.h"

namespace retort {

inline void check_response(const Response& response) {
  for (const std::string* text : {&response.text, &response.reasoning, &response.refusal, &response.provider_finish,
                                  &response.served_model, &response.system_fingerprint, &response.provider_id}) {
    RETORT_ASSERT(is_valid_utf8(*text));
  }
  for (const auto& count : {response.usage.input, response.usage.output, response.usage.cached_input,
                            response.usage.reasoning, response.usage.cache_creation}) {
    RETORT_ASSERT(count.value_or(0) >= 0);
  }
  // What was decoded can be written again.
  RETORT_ASSERT(parse_json(dump_json({{"text", response.text}, {"calls", response.tool_calls}})).has_value());
}

inline void check_reply(const Reply& reply, int status) {
  if (const auto* answer = std::get_if<Answer>(&reply)) {
    RETORT_ASSERT(status == 200 && !answer->choices.empty());
    for (const Response& choice : answer->choices) check_response(choice);
    return;
  }
  const Rejection& rejection = std::get<Rejection>(reply);
  RETORT_ASSERT(!rejection.word.empty());
  RETORT_ASSERT(is_valid_utf8(rejection.detail) && rejection.detail.size() < 1024);
  RETORT_ASSERT(rejection.detail.find('\n') == std::string::npos);
  if (rejection.partial) check_response(*rejection.partial);
}

/// The first byte chooses status and content type; the rest is the body.
inline int fuzz_codec(const char* dialect, const std::uint8_t* data, std::size_t size) {
  static const auto teacher = std::move(*make_teacher(dialect, {"http://t/v1", "m", Prices({1, 2})}));
  constexpr int kStatuses[] = {200, 200, 200, 200, 204, 307, 400, 401, 402, 404, 429, 500, 529};
  const int status = size == 0 ? 200 : kStatuses[data[0] % std::size(kStatuses)];
  const std::string_view body(reinterpret_cast<const char*>(data) + (size > 0 ? 1 : 0), size > 0 ? size - 1 : 0);
  const HttpHead head{status,
                      {{"content-type", size > 0 && data[0] >= 128 ? "text/event-stream" : "application/json"}}};
  const Reply reply = teacher->decode(head, body);
  check_reply(reply, status);
  const Reply again = teacher->decode(head, body);
  RETORT_ASSERT(again.index() == reply.index());
  if (const auto* answer = std::get_if<Answer>(&reply)) {
    const auto& same = std::get<Answer>(again);
    RETORT_ASSERT(same.choices.size() == answer->choices.size() && same.choices[0].text == answer->choices[0].text);
  }
  (void)teacher->read_models(head, body);
  // The same bytes as somebody's conversation and parameters: refused with a reason, or encoded.
  if (const Result<Json> asked = parse_json(body); asked && asked->is_object()) {
    const Json messages = asked->value("messages", Json::array());
    const Json parameters = asked->value("parameters", Json::object());
    if (parameters.is_object() && teacher->accepts(parameters, 1) && teacher->accepts_messages(messages)) {
      const Question question{messages, parameters, 64, data[0] % 2 == 0, 1};
      RETORT_ASSERT(parse_json(teacher->encode(question).body).has_value());
      RETORT_ASSERT(teacher->bound(question).input > 0);
    }
  }
  return 0;
}

}  // namespace retort
