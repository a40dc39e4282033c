// The tree is RFC 6962's whatever its size, and its parts join to its root.
#include "core/curate/merkle.h"

#include "core/base/hash.h"
#include "tests/catch.h"

namespace retort {
namespace {

std::string leaf(int i) { return sha256_hex(std::to_string(i)); }

// The definition, word by word.
std::string defined(int begin, int end) {
  if (end == begin) return sha256_hex("");
  if (end - begin == 1) return leaf(begin);
  int half = 1;
  while (half * 2 < end - begin) half *= 2;
  return sha256_hex("\x01" + defined(begin, begin + half) + defined(begin + half, end));
}

MerkleTree tree_of(int leaves) {
  MerkleTree tree;
  for (int i = 0; i < leaves; ++i) tree.add(leaf(i), i + 1);
  return tree;
}

}  // namespace

TEST_CASE("the root of a tree is the defined one, in bounded parts", "[unit][merkle]") {
  for (const int leaves : {0, 1, 2, 3, 7, 8, 255, 256, 257, 511, 512, 513, 1000, 1025}) {
    CAPTURE(leaves);
    const MerkleTree tree = tree_of(leaves);
    CHECK(tree.size() == leaves);
    CHECK(tree.root() == defined(0, leaves));
    const Json summary = tree.summary();
    CHECK(summary["parts"].size() <= 256);
    if (leaves == 0) continue;
    CHECK(summary["parts"].front()["first"] == 1);
    CHECK(summary["parts"].back()["last"] == leaves);
  }
}

TEST_CASE("another leaf changes its part, and no other", "[unit][merkle]") {
  const Json before = tree_of(1000).summary();
  MerkleTree changed;
  for (int i = 0; i < 1000; ++i) changed.add(i == 700 ? leaf(-1) : leaf(i), i + 1);
  const Json after = changed.summary();
  REQUIRE(before["parts"].size() == after["parts"].size());
  int differing = 0;
  for (std::size_t i = 0; i < before["parts"].size(); ++i) {
    if (before["parts"][i]["root"] == after["parts"][i]["root"]) continue;
    ++differing;
    CHECK(before["parts"][i]["first"] <= 701);
    CHECK(before["parts"][i]["last"] >= 701);
  }
  CHECK(differing == 1);
}

}  // namespace retort
