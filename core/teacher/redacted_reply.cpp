#include "core/teacher/redacted_reply.h"

#include <utility>

#include "core/base/text.h"

namespace retort {
namespace {

bool redact(std::string& text, std::string_view secret) {
  std::string clean = redacted(text, secret);
  if (clean == text) return false;
  text = std::move(clean);
  return true;
}

// Its names too.
bool redact(Json& value, std::string_view secret) {
  if (value.is_string()) return redact(value.get_ref<std::string&>(), secret);
  bool found = false;
  if (value.is_array()) {
    for (Json& item : value) found |= redact(item, secret);
  } else if (value.is_object()) {
    Json clean = Json::object();
    for (auto& [name, item] : value.items()) {
      std::string kept = name;
      found |= redact(kept, secret);
      found |= redact(item, secret);
      clean[std::move(kept)] = std::move(item);
    }
    value = std::move(clean);
  }
  return found;
}

bool redact(Response& response, std::string_view secret) {
  bool found = false;
  for (std::string* text :
       {&response.text, &response.reasoning, &response.refusal, &response.provider_finish, &response.served_model,
        &response.system_fingerprint, &response.provider_id, &response.invalid}) {
    found |= redact(*text, secret);
  }
  found |= redact(response.tool_calls, secret);
  if (found) response.logprobs.clear();  // they spell the text once more, token by token
  return found;
}

}  // namespace

bool redact(Reply& reply, std::string_view secret) {
  if (!is_secret(secret)) return false;
  bool found = false;
  if (auto* answer = std::get_if<Answer>(&reply)) {
    for (Response& choice : answer->choices) found |= redact(choice, secret);
  } else if (auto* rejection = std::get_if<Rejection>(&reply)) {
    found = redact(rejection->detail, secret) | redact(rejection->word, secret);
    if (rejection->partial) found |= redact(*rejection->partial, secret);
  }
  return found;
}

Reply decode_redacted(const Teacher& teacher, const HttpHead& head, std::string& body, std::string_view secret) {
  body = redacted(std::move(body), secret);
  Reply reply = teacher.decode(head, body);
  if (redact(reply, secret)) body.clear();
  return reply;
}

}  // namespace retort
