#include "core/curate/merkle.h"

#include "core/base/clock.h"
#include "core/base/hash.h"

namespace retort {
namespace {

constexpr std::size_t kPartsMax = 256;

std::string joined(const std::string& left, const std::string& right) { return sha256_hex("\x01" + left + right); }

// RFC 6962: the left half is the largest power of two below the whole.
std::string root_of(const std::vector<std::string>& hashes, std::size_t begin, std::size_t end) {
  if (end - begin == 1) return hashes[begin];
  std::size_t half = 1;
  while (half * 2 < end - begin) half *= 2;
  return joined(root_of(hashes, begin, begin + half), root_of(hashes, begin + half, end));
}

}  // namespace

std::string merkle_leaf(const Pair& pair, const std::string& content) {
  const std::string leaf = canonical_json({{"content", content},
                                           {"cost_pico_usd", pair.cost.pico},
                                           {"dialect", pair.teacher.dialect},
                                           {"model", pair.teacher.model},
                                           {"obtained_at", to_iso8601(pair.obtained)},
                                           {"served_model", pair.answer.served_model},
                                           {"teacher", pair.teacher.name}});
  return sha256_hex(std::string(1, '\0') + leaf);
}

void MerkleTree::add(std::string leaf, RowId response) {
  ++leaves_;
  Node node{std::move(leaf), 0, response, response};
  while (node.level < part_level_ && !open_.empty() && open_.back().level == node.level) {
    Node& left = open_.back();
    node = {joined(left.hash, node.hash), node.level + 1, left.first, node.last};
    open_.pop_back();
  }
  if (node.level == part_level_)
    add_part(std::move(node));
  else
    open_.push_back(std::move(node));
}

void MerkleTree::add_part(Node node) {
  parts_.push_back(std::move(node));
  if (parts_.size() < kPartsMax) return;
  ++part_level_;
  for (std::size_t i = 0; i < parts_.size(); i += 2) {
    parts_[i / 2] = {joined(parts_[i].hash, parts_[i + 1].hash), part_level_, parts_[i].first, parts_[i + 1].last};
  }
  parts_.resize(kPartsMax / 2);
}

std::string MerkleTree::root() const {
  std::vector<std::string> hashes;
  for (const Node& part : parts_) hashes.push_back(part.hash);
  if (!open_.empty()) {
    std::string rest = open_.back().hash;
    for (std::size_t i = open_.size() - 1; i-- > 0;) rest = joined(open_[i].hash, rest);
    hashes.push_back(std::move(rest));
  }
  return hashes.empty() ? sha256_hex("") : root_of(hashes, 0, hashes.size());
}

Json MerkleTree::summary() const {
  Json parts = Json::array();
  const auto add = [&](const std::string& hash, RowId first, RowId last) {
    parts.push_back({{"first", first}, {"last", last}, {"root", hash}});
  };
  for (const Node& part : parts_) add(part.hash, part.first, part.last);
  if (!open_.empty()) {
    std::string rest = open_.back().hash;
    for (std::size_t i = open_.size() - 1; i-- > 0;) rest = joined(open_[i].hash, rest);
    add(rest, open_.front().first, open_.back().last);
  }
  return {{"algorithm", "rfc6962-sha256-hex"},
          {"leaves", leaves_},
          {"part_leaves", std::int64_t{1} << part_level_},
          {"parts", std::move(parts)},
          {"root", root()}};
}

}  // namespace retort
