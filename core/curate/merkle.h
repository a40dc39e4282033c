// A Merkle tree over responses, as RFC 6962 shapes it: the root proves all of them, a subtree shows where a corpus
// differs. Computed as they stream by, in bounded memory.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/base/json.h"
#include "core/corpus/records.h"

namespace retort {

/// SHA-256 over what a response was, who gave it, when, and at what cost: {content, cost_pico_usd, dialect, model,
/// obtained_at, served_model, teacher} in canonical JSON, with a zero byte before it. `content` is its content digest,
/// which a tombstone keeps.
std::string merkle_leaf(const Pair& pair, const std::string& content);

class MerkleTree {
 public:
  /// Leaves in the order of the list.
  void add(std::string leaf, RowId response);
  std::int64_t size() const { return leaves_; }
  /// 64 hexadecimal digits; of nothing: the SHA-256 of nothing.
  std::string root() const;
  /// {"algorithm", "leaves", "root", "parts": [{"first", "last", "root"}]}: at most 256 subtrees, each but the last of
  /// the same power of two leaves ("part_leaves"), with the responses they begin and end with.
  Json summary() const;

 private:
  struct Node {
    std::string hash;
    int level = 0;
    RowId first = 0, last = 0;
  };
  void add_part(Node node);
  std::vector<Node> open_;   ///< subtrees below a part, of falling level
  std::vector<Node> parts_;  ///< whole parts
  int part_level_ = 0;
  std::int64_t leaves_ = 0;
};

}  // namespace retort
