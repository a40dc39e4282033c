// Sketches in one block: each comes back as it was put in, and what is removed leaves no gap.
#include "core/curate/pipeline/sketches.h"

#include "core/base/random.h"
#include "tests/catch.h"

namespace retort {

TEST_CASE("sketches come back as they were, with some removed", "[unit][curate]") {
  Random random(3);
  for (int round = 0; round < 50; ++round) {
    Sketches sketches;
    std::vector<std::string> all, left;
    std::vector<char> gone;
    for (int i = 0; i < 40; ++i) {
      all.emplace_back(static_cast<std::size_t>(random.between(0, 9)), static_cast<char>('a' + i % 26));
      sketches.push_back(all.back());
      gone.push_back(static_cast<char>(random.between(0, 1)));
      if (gone.back() == 0) left.push_back(all.back());
    }
    for (std::size_t i = 0; i < all.size(); ++i) CHECK(sketches[i] == all[i]);
    sketches.remove(gone);
    REQUIRE(sketches.size() == left.size());
    for (std::size_t i = 0; i < left.size(); ++i) CHECK(sketches[i] == left[i]);
  }
}

TEST_CASE("sketches of one length stand without gaps", "[unit][curate]") {
  Sketches sketches;
  for (const char* one : {"aaaa", "bbbb", "cccc"}) sketches.push_back(one);
  CHECK(sketches[2].data() == sketches[0].data() + 8);
}

}  // namespace retort
