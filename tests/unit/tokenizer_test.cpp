// Byte-level BPE: equal to Hugging Face's `tokenizers` on stored ids, total on any bytes, and strict about files.
#include <fstream>
#include <random>

#include "core/base/json.h"
#include "core/base/text.h"
#include "core/text/bpe_tokenizer.h"
#include "core/text/bpe_trainer.h"
#include "core/text/byte_alphabet.h"
#include "tests/catch.h"

using namespace retort;

namespace {

std::string file(const std::string& name) {
  std::ifstream in(std::string(RETORT_SOURCE_DIR "/tests/unit/tokenizer/") + name, std::ios::binary);
  REQUIRE(in.good());
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

BpeTokenizer stored() {
  auto tokenizer = BpeTokenizer::from_json(file("tokenizer.json"));
  REQUIRE_OK(tokenizer);
  return *tokenizer;
}

std::vector<TokenId> ordinary(const BpeTokenizer& tokenizer, std::string_view text) {
  std::vector<TokenId> ids;
  tokenizer.encode_ordinary(text, ids);
  return ids;
}

std::string random_bytes(std::mt19937& random, std::size_t most) {
  std::string bytes(random() % (most + 1), '\0');
  for (char& c : bytes) c = static_cast<char>(random() % 4 == 0 ? random() : "aA1 \n'.\t"[random() % 8]);
  return bytes;
}

}  // namespace

TEST_CASE("the byte alphabet spells every byte and only bytes") {
  std::string all;
  for (int byte = 0; byte < 256; ++byte) all += static_cast<char>(byte);
  CHECK(from_byte_alphabet(to_byte_alphabet(all)) == all);
  CHECK(to_byte_alphabet(" \n") == "ĠĊ");
  for (const char* wrong : {" ", "\n", "\xC4", "\xFF", "日", "\xC5\x84"})
    CHECK_FALSE(from_byte_alphabet(wrong).has_value());
}

TEST_CASE("ids equal those of Hugging Face's tokenizers 0.23 with the same file") {
  const BpeTokenizer tokenizer = stored();
  const auto expected = parse_json(file("expected.json"));
  REQUIRE_OK(expected);
  REQUIRE(expected->size() > 20);
  for (const Json& one : *expected) {
    const std::string text = one["text"].get<std::string>();
    INFO("text " << one["text"].dump());
    CHECK(tokenizer.encode(text) == one["ids"].get<std::vector<TokenId>>());
    CHECK(tokenizer.decode(tokenizer.encode(text), true) == text);
  }
}

TEST_CASE("any bytes come back, invalid UTF-8 as U+FFFD") {
  const BpeTokenizer tokenizer = stored();
  std::mt19937 random(7);
  for (int i = 0; i < 2000; ++i) {
    const std::string bytes = random_bytes(random, 60);
    CHECK(tokenizer.decode(ordinary(tokenizer, bytes), true) == to_valid_utf8(bytes));
  }
  const std::string run(200'000, 'a'), spaces(200'000, ' ');
  CHECK(tokenizer.decode(ordinary(tokenizer, run)) == run);
  CHECK(tokenizer.decode(ordinary(tokenizer, spaces + "x")) == spaces + "x");
}

TEST_CASE("every digit is a token of its own") {
  BpeTrainer trainer;
  for (int i = 0; i < 50; ++i) trainer.add("1234 1234 12 99 99 99");
  const auto tokenizer = trainer.train({400, 2, {}});
  REQUIRE_OK(tokenizer);
  CHECK(ordinary(*tokenizer, "123499").size() == 6);
  for (const std::string& token : tokenizer->model().tokens) {
    if (token.find_first_of("0123456789") != std::string::npos) CHECK(token.size() == 1);
  }
}

TEST_CASE("text from outside never becomes an added token") {
  const BpeTokenizer tokenizer = stored();
  const TokenId end = *tokenizer.added_id("<|end|>");
  CHECK(tokenizer.encode("<|end|>") == std::vector<TokenId>{end});
  const auto ids = ordinary(tokenizer, "<|end|>");
  CHECK(std::find(ids.begin(), ids.end(), end) == ids.end());
  CHECK(tokenizer.decode(ids) == "<|end|>");
  CHECK(tokenizer.decode(std::vector<TokenId>{end}).empty());
  CHECK(tokenizer.decode(std::vector<TokenId>{-1, 1 << 30}).empty());
}

TEST_CASE("training is deterministic, whatever the order of the texts") {
  const std::vector<std::string> texts{"the cat sat", "on the mat", "the the cat", "a mat a cat a hat"};
  BpeTrainer forwards, backwards;
  for (const auto& text : texts) forwards.add(text);
  for (auto text = texts.rbegin(); text != texts.rend(); ++text) backwards.add(*text);
  const auto a = forwards.train({300, 2, {}}), b = backwards.train({300, 2, {}});
  REQUIRE_OK(a);
  REQUIRE_OK(b);
  CHECK(a->to_json() == b->to_json());
  CHECK(ordinary(*a, " the").size() == 1);
  // "at" stands 7 times: no pair is more frequent, so it is merged first.
  REQUIRE_FALSE(a->model().merges.empty());
  CHECK(a->model().merges.front() == std::pair<TokenId, TokenId>{'a', 't'});
  CHECK_FALSE(forwards.train({255, 2, {}}).has_value());
}

TEST_CASE("a vocabulary stops growing where pairs are rare") {
  BpeTrainer trainer;
  trainer.add("abc");
  const auto tokenizer = trainer.train({1000, 2, {}});
  REQUIRE_OK(tokenizer);
  CHECK(tokenizer->vocabulary_size() == 256);
}

TEST_CASE("a tokenizer survives its own file") {
  const BpeTokenizer tokenizer = stored();
  const auto again = BpeTokenizer::from_json(tokenizer.to_json());
  REQUIRE_OK(again);
  CHECK(again->to_json() == tokenizer.to_json());
  CHECK(again->vocabulary_size() == tokenizer.vocabulary_size());
}

TEST_CASE("hostile tokenizer files are refused by name") {
  const Json good = *parse_json(file("tokenizer.json"));
  const auto refused = [&](const char* path, Json value) {
    Json changed = good;
    changed[Json::json_pointer(path)] = std::move(value);
    return BpeTokenizer::from_json(changed.dump());
  };
  CHECK(BpeTokenizer::from_json(good.dump()).has_value());
  CHECK(BpeTokenizer::from_json("").error().code == Errc::usage);
  CHECK_FALSE(BpeTokenizer::from_json("[]").has_value());
  CHECK(refused("/normalizer", {{"type", "NFC"}}).has_value());
  CHECK_FALSE(refused("/normalizer", {{"type", "NFKC"}}).has_value());
  CHECK_FALSE(refused("/pre_tokenizer", nullptr).has_value());
  CHECK_FALSE(refused("/pre_tokenizer/pretokenizers/0/behavior", "Removed").has_value());
  CHECK_FALSE(refused("/pre_tokenizer/pretokenizers/0/pattern/Regex", "(").has_value());
  CHECK_FALSE(refused("/pre_tokenizer/pretokenizers/1/add_prefix_space", true).has_value());
  CHECK_FALSE(refused("/model/type", "Unigram").has_value());
  CHECK_FALSE(refused("/model/byte_fallback", true).has_value());
  CHECK_FALSE(refused("/model/vocab/a", -1).has_value());
  CHECK_FALSE(refused("/model/vocab/a", 1e9).has_value());
  CHECK_FALSE(refused("/model/vocab/a", 9'999'999).has_value());
  CHECK_FALSE(refused("/model/vocab/a", 98).has_value());  // that is b
  CHECK_FALSE(refused("/model/merges/0", "a").has_value());
  CHECK_FALSE(refused("/model/merges/0", "a zzz").has_value());
  CHECK_FALSE(refused("/model/merges/0", "b a").has_value());
  CHECK_FALSE(refused("/added_tokens/0/id", 5'000'000).has_value());
  CHECK_FALSE(refused("/added_tokens/0/id", good["added_tokens"][1]["id"]).has_value());
  Json merges_as_pairs = good;
  const std::string first = good["model"]["merges"][0];
  merges_as_pairs["model"]["merges"][0] = {first.substr(0, first.find(' ')), first.substr(first.find(' ') + 1)};
  CHECK(BpeTokenizer::from_json(merges_as_pairs.dump()).has_value());
}

TEST_CASE("a pattern that matches nothing loses no text") {
  const auto words = PreTokenizer::compile({"(?=x)|z"});
  REQUIRE_OK(words);
  std::string all;
  words->split("axbz y", [&](std::string_view word) { all += word; });
  CHECK(all == "axbz y");
}
