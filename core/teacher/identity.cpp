#include "core/teacher/identity.h"

#include "core/base/hash.h"

namespace retort {

// The canonical JSON of {"dialect": …, "messages": …, "model": …, "parameters": …, "sample": …}, put together from its
// parts: as one value it would be a copy of the whole conversation.
RequestDigester::RequestDigester(const std::string& dialect, const std::string& model, const Json& parameters,
                                 int sample) {
  Json shaping = parameters.is_object() ? parameters : Json::object();
  for (const char* name : {"max_tokens", "max_completion_tokens", "stream", "stream_options", "logprobs",
                           "top_logprobs", "timeout", "timeout_seconds"}) {
    shaping.erase(name);
  }
  before_ = "{\"dialect\":" + dump_json(dialect) + ",\"messages\":";
  after_ = ",\"model\":" + dump_json(model) + ",\"parameters\":" + canonical_json(shaping) +
           ",\"sample\":" + std::to_string(sample) + "}";
}

std::string RequestDigester::operator()(const Messages& messages) const {
  std::string text;
  text.reserve(before_.size() + messages.canonical().size() + after_.size());
  return sha256_hex(text.append(before_).append(messages.canonical()).append(after_));
}

std::string request_digest(const RequestIdentity& identity) {
  return RequestDigester(identity.dialect, identity.model, identity.parameters, identity.sample)(identity.messages);
}

Json sample_parameters(const Json& parameters, int index) {
  Json result = parameters.is_object() ? parameters : Json::object();
  if (const auto seed = result.find("seed"); seed != result.end() && seed->is_number_integer()) {
    *seed = seed->get<std::int64_t>() + index;
  }
  return result;
}

}  // namespace retort
