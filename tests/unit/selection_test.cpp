// Choosing among good pairs, and splitting them.
#include <cmath>
#include <limits>
#include <map>

#include "core/curate/select/selection.h"
#include "core/curate/select/split.h"
#include "tests/catch.h"

namespace retort {
namespace {

const std::vector<Candidate> kPairs = {
    {"a", "p1", "math", 30}, {"b", "p1", "math", 10}, {"c", "p2", "code", 20},
    {"d", "p1", "math", 20}, {"e", "p2", "math", 20}, {"f", "p3", "math", 5},
};

TEST_CASE("at most k of a prompt, by what is preferred", "[selection]") {
  CHECK(at_most_per_prompt(kPairs, 1, Prefer::first) == Positions{0, 2, 5});
  CHECK(at_most_per_prompt(kPairs, 1, Prefer::shortest) == Positions{1, 2, 5});
  CHECK(at_most_per_prompt(kPairs, 2, Prefer::longest) == Positions{0, 2, 3, 4, 5});
  CHECK(at_most_per_prompt(kPairs, 9, Prefer::shortest).size() == 6);
  CHECK(at_most_per_prompt(kPairs, 0, Prefer::first).empty());
  CHECK(at_most_per_prompt({}, 3, Prefer::first).empty());
}

TEST_CASE("the most diverse are those least like each other", "[selection]") {
  std::vector<Signature> signatures;
  for (const char* text : {"one two three four five six seven eight", "one two three four five six seven eight nine",
                           "x", "ten red cats sat on a very old mat", "y", "z"})
    signatures.push_back(signature_of(text, {}));
  CHECK(at_most_per_prompt(kPairs, 2, Prefer::diverse, signatures) == Positions{0, 2, 3, 4, 5});
  CHECK(at_most_per_prompt(kPairs, 9, Prefer::diverse, signatures).size() == 6);
  const std::vector<Signature> alike(kPairs.size(), signatures[0]);
  CHECK(at_most_per_prompt(kPairs, 2, Prefer::diverse, alike) == Positions{0, 1, 2, 4, 5});
}

TEST_CASE("bands hold their bounds", "[selection]") {
  CHECK(in_length_band(kPairs, {10, 20}) == Positions{1, 2, 3, 4});
  CHECK(in_length_band(kPairs, {}).size() == 6);
  const double unknown = std::numeric_limits<double>::quiet_NaN();
  const std::vector<double> rates{0, 0.25, 1, unknown};
  CHECK(in_difficulty_band(rates, {0.1, 0.9}) == Positions{1});
  CHECK(in_difficulty_band(rates, {{}, 0.9}) == Positions{0, 1});
  CHECK(in_difficulty_band(rates, {}).size() == 4);
}

TEST_CASE("balance by a field", "[selection]") {
  const auto one = balanced(kPairs);
  CHECK(one.size() == 2);
  CHECK(balanced(kPairs, 3).size() == 4);
  CHECK(balanced(kPairs) == one);
  bool other_choice = false;
  for (std::uint64_t seed = 1; seed < 20; ++seed) other_choice = other_choice || balanced(kPairs, 1, seed) != one;
  CHECK(other_choice);
}

TEST_CASE("a budget of tokens is kept, and a larger one holds the smaller one", "[selection]") {
  Positions before;
  for (const std::int64_t tokens : {0, 40, 60, 80, 105}) {
    const Positions kept = within_tokens(kPairs, tokens, 3);
    std::int64_t sum = 0;
    for (const std::uint32_t i : kept) sum += kPairs[i].tokens;
    CHECK(sum <= tokens);
    for (const std::uint32_t i : before) CHECK(std::count(kept.begin(), kept.end(), i) == 1);
    before = kept;
  }
  CHECK(before.size() == 6);
}

TEST_CASE("a prompt's part depends on the prompt alone, and shares are kept", "[selection]") {
  const std::vector<SplitPart> parts{{"train", 0.9}, {"validation", 0.08}, {"test", 0.02}};
  REQUIRE(check_split(parts));
  std::map<std::string, int> counts;
  int moved = 0;
  for (int i = 0; i < 20000; ++i) {
    const std::string prompt = "prompt " + std::to_string(i);
    ++counts[split_of(prompt, parts).name];
    moved += split_of(prompt, parts).name != split_of(prompt, parts, "again").name;
    if (i < 50) CHECK(&split_of(prompt, parts) == &split_of(prompt, parts));
  }
  CHECK(std::abs(counts["train"] - 18000) < 200);
  CHECK(std::abs(counts["validation"] - 1600) < 180);
  CHECK(std::abs(counts["test"] - 400) < 90);
  CHECK(moved > 1000);
}

TEST_CASE("a split that makes no sense is refused", "[selection]") {
  const auto message = [](std::vector<SplitPart> parts) { return check_split(parts).error().message; };
  CHECK(message({}) == "a split needs at least one part, such as train = 0.95");
  CHECK(message({{"a", 0.5}, {"a", 0.5}}) == "two parts of the split are called a");
  CHECK(message({{"a", 0.5}, {"b", 0.4}}) == "the shares of the split add up to 0.900000 instead of 1");
  CHECK(message({{"a", -1}, {"b", 2}}) == "the share of the split's part a must be above 0 and at most 1");
}

}  // namespace
}  // namespace retort
