// One digest for a whole list of pairs, computed as they stream by: what is exported or trained on can be compared
// with its manifest without keeping either in memory. docs/manifest.md says how to compute it elsewhere.
#pragma once

#include <cstdint>
#include <string>

#include "core/corpus/content_digest.h"

namespace retort {

/// A chain: each link is the SHA-256 of the one before and the pair's content digest, both as hexadecimal text.
class PairsDigest {
 public:
  void add(const Pair& pair) { add(content_digest(pair)); }
  void add(const std::string& content);
  std::int64_t pairs() const { return pairs_; }
  /// 64 hexadecimal digits; of no pairs at all: the SHA-256 of nothing.
  const std::string& hex() const { return link_; }

  PairsDigest();

 private:
  std::string link_;
  std::int64_t pairs_ = 0;
};

}  // namespace retort
