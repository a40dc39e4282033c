// Words, signatures, and what is dropped because it was there before.
#include <algorithm>
#include <cmath>
#include <map>

#include "core/curate/dedupe/near_duplicates.h"
#include "core/curate/words.h"
#include "tests/catch.h"
#include "tests/support/planted_texts.h"

namespace retort {
namespace {

std::string words_of(std::string_view text) {
  Words words;
  read_words(text, words);
  CHECK(words.hashes.size() == words.ends.size());
  return words.text;
}

std::vector<std::uint64_t> shingles(std::string_view text, int width) {
  Words words;
  std::vector<std::uint64_t> hashes;
  read_words(text, words);
  shingle_hashes(words, width, hashes);
  return hashes;
}

TEST_CASE("words are lower case and without punctuation", "[dedupe]") {
  CHECK(words_of("  Hello,\n\tWORLD! it's ") == "hello world it s");
  CHECK(words_of("ÄÖÜ Straße ΩΜΕΓΑ ЖУК Ёлка Ｆｕｌｌ１２ Žár") == "äöü straße ωμεγα жук ёлка full12 žár");
  CHECK(words_of("你好，世界。ひらカナ") == "你 好 世 界 ひ ら カ ナ");
  CHECK(words_of("한국어 문장") == "한국어 문장");
  CHECK(words_of("“quoted” — and… 5 €") == "quoted and 5");
  CHECK(words_of("3+4 a-b 7-2 x^2=9") == "3 + 4 a b 7 - 2 x ^ 2 = 9");
  CHECK(words_of("").empty());
  CHECK(words_of("\xff\xfe...\x80").empty());
  CHECK(words_of("a\xf0\x9f") == "a");
}

TEST_CASE("shingles roll, and a short text is one", "[dedupe]") {
  CHECK(shingles("a b c d e f", 3).size() == 4);
  CHECK(shingles("a b c", 3) == shingles("A, B, c!", 3));
  CHECK(shingles("x a b c", 3)[1] == shingles("a b c", 3)[0]);
  CHECK(shingles("long words are internationalisation proof here", 4)[2] ==
        shingles("are internationalisation proof here", 4)[0]);
  CHECK(shingles("a b", 3).size() == 1);
  CHECK(shingles("a b", 3) != shingles("b a", 3));
  CHECK(shingles("...", 3).empty());
}

TEST_CASE("exact duplicates: the first stays, within its group", "[dedupe]") {
  std::vector<TextDigest> texts;
  for (const char* text : {"One  two", "three", "one\ntwo ", "one two!", "Three"}) texts.push_back(text_digest(text));
  const auto all = exact_duplicates(texts);
  REQUIRE(all.size() == 2);
  CHECK((all[0].dropped == 2 && all[0].kept == 0));
  CHECK((all[1].dropped == 4 && all[1].kept == 1));
  const std::vector<std::uint64_t> groups{1, 1, 1, 1, 2};
  REQUIRE(exact_duplicates(texts, groups).size() == 1);
  CHECK(exact_duplicates(texts, groups)[0].dropped == 2);
  CHECK(exact_duplicates({}).empty());
}

TEST_CASE("bands meet the wanted recall at the threshold with as many rows as can be", "[dedupe]") {
  for (const double threshold : {0.5, 0.7, 0.8, 0.9, 0.95}) {
    const NearDuplicateSettings settings{threshold, 5, 0.995, 1000};
    const Bands bands = bands_for(settings);
    CAPTURE(threshold, bands.bands, bands.rows);
    CHECK(bands.bands * bands.rows <= kSignatureLanes);
    CHECK(bands.chance(threshold) >= 0.995);
    const Bands steeper{kSignatureLanes / (bands.rows + 1), bands.rows + 1};
    CHECK(steeper.chance(threshold) < 0.995);
  }
}

TEST_CASE("the estimate is the Jaccard index, without bias, for long texts and short", "[dedupe]") {
  Prose prose(7);
  for (const std::size_t length : {20U, 60U, 300U, 2000U}) {
    double bias = 0, square = 0;
    constexpr int kTimes = 150;
    for (int i = 0; i < kTimes; ++i) {
      const auto first = prose.words(length);
      const auto second = prose.edited(first, 1 + static_cast<int>(length) / 40);
      const std::string a = written(first, prose.random()), b = written(second, prose.random());
      const double truth = jaccard_of(first, second, 5);
      CHECK(std::abs(true_jaccard(a, b, 5) - truth) < 1e-9);
      const double error = estimated_jaccard(signature_of(a, {}), signature_of(b, {})) - truth;
      bias += error / kTimes;
      square += error * error / kTimes;
    }
    CAPTURE(length, bias, square);
    CHECK(std::abs(bias) < 0.01);
    CHECK(std::sqrt(square) < 0.06);  // sqrt(0.25 / 128) = 0.044, and somewhat more where lanes are empty
  }
}

struct Planted {
  std::vector<std::vector<std::string>> words;
  std::vector<std::string> texts;
  std::vector<Signature> signatures;
  std::map<std::uint32_t, std::pair<std::uint32_t, double>> copies;  // of which, and how alike

  Planted(int count, std::uint64_t seed) {
    Prose prose(seed);
    for (int i = 0; i < count; ++i) {
      const bool copy = i > 10 && prose.random().chance(0.3);
      const auto source = static_cast<std::size_t>(prose.random().between(0, std::max(0, i - 1)));
      const auto length = static_cast<std::size_t>(prose.random().between(60, 400));
      words.push_back(copy ? prose.edited(words[source],
                                          static_cast<int>(prose.random().between(0, std::ssize(words[source]) / 25)))
                           : prose.words(length));
      texts.push_back(written(words.back(), prose.random()));
      signatures.push_back(signature_of(texts.back(), {}));
      if (copy)
        copies[static_cast<std::uint32_t>(i)] = {static_cast<std::uint32_t>(source),
                                                 jaccard_of(words.back(), words[source], 5)};
    }
  }
};

bool same(const std::vector<Duplicate>& a, const std::vector<Duplicate>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const Duplicate& x, const Duplicate& y) {
    return x.dropped == y.dropped && x.kept == y.kept && x.jaccard == y.jaccard;
  });
}

TEST_CASE("planted near duplicates are found, and nothing else is", "[dedupe]") {
  const Planted corpus(6000, 11);
  const TextReader reader = [&](std::uint32_t at) { return corpus.texts[at]; };
  const auto found = near_duplicates(corpus.signatures, {}, 2, {}, reader);
  std::vector<bool> dropped(corpus.texts.size());
  int wrong = 0;
  for (const Duplicate& duplicate : found) {
    CHECK(duplicate.kept < duplicate.dropped);
    CHECK(!dropped[duplicate.kept]);
    dropped[duplicate.dropped] = true;
    wrong += jaccard_of(corpus.words[duplicate.dropped], corpus.words[duplicate.kept], 5) < 0.8;
  }
  CHECK(wrong == 0);
  int planted = 0, recalled = 0;
  for (const auto& [copy, source] : corpus.copies) {
    if (source.second < 0.8 || dropped[source.first]) continue;  // what was dropped itself drops nothing
    ++planted;
    recalled += dropped[copy];
  }
  CAPTURE(planted, recalled);
  CHECK(planted > 500);
  CHECK(recalled >= 0.99 * planted);
  CHECK(same(found, near_duplicates(corpus.signatures, {}, 1, {}, reader)));
  CHECK(same(found, near_duplicates(corpus.signatures, {}, 5, {}, reader)));
}

TEST_CASE("without texts the estimate decides", "[dedupe]") {
  const Planted corpus(1500, 5);
  const auto found = near_duplicates(corpus.signatures, {}, 2);
  CHECK(found.size() > 50);
  for (const Duplicate& duplicate : found) {
    CHECK(duplicate.jaccard >= 0.8);
    CHECK(jaccard_of(corpus.words[duplicate.dropped], corpus.words[duplicate.kept], 5) > 0.6);
  }
}

TEST_CASE("only texts of one group are compared, if there are groups", "[dedupe]") {
  const Planted corpus(1500, 6);
  std::vector<std::uint64_t> groups;
  for (std::size_t i = 0; i < corpus.texts.size(); ++i) groups.push_back(i % 3);
  const auto found = near_duplicates(corpus.signatures, {}, 2, groups);
  CHECK(found.size() > 20);
  for (const Duplicate& duplicate : found) CHECK(duplicate.dropped % 3 == duplicate.kept % 3);
}

TEST_CASE("thousands of equal texts take no quadratic time, and empty ones are no duplicates", "[dedupe]") {
  std::vector<Signature> same_text(20000, signature_of("the very same words in every one of these texts", {}));
  CHECK(near_duplicates(same_text, {}, 2).size() == same_text.size() - 1);
  std::vector<Signature> nothing(100, signature_of("...", {}));
  CHECK(near_duplicates(nothing, {}, 2).empty());
  CHECK(near_duplicates({}, {}, 2).empty());
}

TEST_CASE("signatures are the same on every machine and in every version: views have digests", "[dedupe]") {
  const Signature known = signature_of("The quick brown fox jumps over the lazy dog.", {});
  std::uint64_t sum = 0;
  for (const std::uint16_t lane : known) sum = sum * 31 + lane;
  CHECK(sum == 0x48aebdee7426265U);
}

}  // namespace
}  // namespace retort
