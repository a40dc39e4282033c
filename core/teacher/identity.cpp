#include "core/teacher/identity.h"

#include "core/base/hash.h"

namespace retort {

std::string request_digest(const RequestIdentity& identity) {
  Json shaping = identity.parameters;
  if (!shaping.is_object()) shaping = Json::object();
  for (const char* name : {"max_tokens", "max_completion_tokens", "stream", "stream_options", "logprobs",
                           "top_logprobs", "timeout", "timeout_seconds"}) {
    shaping.erase(name);
  }
  // The canonical JSON of {"dialect": …, "messages": …, "model": …, "parameters": …, "sample": …}, put together from
  // its parts: as one value it would be a copy of the whole conversation.
  std::string text = "{\"dialect\":" + dump_json(identity.dialect);
  text += ",\"messages\":" + canonical_json(identity.messages);
  text += ",\"model\":" + dump_json(identity.model);
  text += ",\"parameters\":" + canonical_json(shaping);
  text += ",\"sample\":" + std::to_string(identity.sample) + "}";
  return sha256_hex(text);
}

std::string prompt_digest(const Json& messages) { return sha256_hex(canonical_json(messages)); }

Json sample_parameters(const Json& parameters, int index) {
  Json result = parameters.is_object() ? parameters : Json::object();
  if (const auto seed = result.find("seed"); seed != result.end() && seed->is_number_integer()) {
    *seed = seed->get<std::int64_t>() + index;
  }
  return result;
}

}  // namespace retort
