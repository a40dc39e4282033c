// One digest for a whole list of pairs, computed as they stream by: what is exported or trained on can be compared
// with its manifest without keeping either in memory. docs/manifest.md says how to compute it elsewhere.
#pragma once

#include <cstdint>
#include <string>

#include "core/corpus/records.h"

namespace retort {

/// SHA-256 over canonical JSON of what was asked and what was answered: {messages, reasoning, refusal, text,
/// tool_calls}. Ids, times and costs are no part of it, so that a merged corpus gives the same.
std::string content_digest(const Pair& pair);

/// A chain: each link is the SHA-256 of the one before and the pair's content digest, both as hexadecimal text.
class PairsDigest {
 public:
  void add(const Pair& pair);
  std::int64_t pairs() const { return pairs_; }
  /// 64 hexadecimal digits; of no pairs at all: the SHA-256 of nothing.
  const std::string& hex() const { return link_; }

  PairsDigest();

 private:
  std::string link_;
  std::int64_t pairs_ = 0;
};

}  // namespace retort
