// Request identity: what makes two questions the same question, so that none is paid for twice.
#pragma once

#include <string>

#include "core/base/json.h"
#include "core/corpus/messages.h"

namespace retort {

/// What was asked, in the words of the dialect. Of the profile only dialect and model count: its name, its URL and
/// its prices may change without voiding a single answer. So may a row's metadata and its reference answer.
struct RequestIdentity {
  std::string dialect;
  std::string model;
  const Messages& messages;
  const Json& parameters;  ///< may hold anything the user sets; what does not shape the answer is left out below
  int sample = 0;
};

/// SHA-256 over the canonical JSON of the identity, without max_tokens, stream, logprobs and time-outs: an answer
/// cut short is asked again under the same identity, with a larger max_tokens of its own.
std::string request_digest(const RequestIdentity& identity);

/// The same for many messages that are asked alike.
class RequestDigester {
 public:
  RequestDigester(const std::string& dialect, const std::string& model, const Json& parameters, int sample);
  std::string operator()(const Messages& messages) const;

 private:
  std::string before_, after_;  ///< of the messages in the text that is digested
};

/// The parameters that sample `index` sends: its seed is the given seed plus the index.
Json sample_parameters(const Json& parameters, int index);

}  // namespace retort
