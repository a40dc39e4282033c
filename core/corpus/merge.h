// Joining corpora, as plain values. What is decided where two of them meet: docs/commands/merge.md.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "core/corpus/care.h"
#include "core/corpus/records.h"

namespace retort {

struct MergeOrder {
  std::vector<std::string> sources;  ///< corpora that are read
  std::string into;                  ///< made if it is not there
  IdentityDigests digests;           ///< of requests that become further samples
  RunStart run;
  std::function<bool()> stopped;  ///< asked between steps
};

/// What one source added.
struct MergedSource {
  std::string source;
  std::int64_t prompts = 0, requests = 0, attempts = 0, responses = 0;
  std::int64_t known = 0;              ///< responses that were there already
  std::int64_t as_samples = 0;         ///< answers to a request that had one: kept as further samples of the prompt
  std::int64_t forgotten = 0;          ///< prompts that one side had forgotten: forgotten in the whole
  std::vector<Permission> statements;  ///< made there, and not counted here
};

using MergeCorpora = std::function<Result<std::vector<MergedSource>>(const MergeOrder&)>;

}  // namespace retort
