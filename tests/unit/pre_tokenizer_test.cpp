// The hand-made scanners cut as the patterns they stand for, which PCRE2 is asked about.
#include <random>

#include "core/text/pre_tokenizer.h"
#include "core/text/unicode.h"
#include "tests/catch.h"

using namespace retort;

namespace {

void append(std::string& text, char32_t c) {
  if (c < 0x80) {
    text += static_cast<char>(c);
  } else if (c < 0x800) {
    text += static_cast<char>(0xC0 | (c >> 6));
    text += static_cast<char>(0x80 | (c & 0x3F));
  } else if (c < 0x10000) {
    text += static_cast<char>(0xE0 | (c >> 12));
    text += static_cast<char>(0x80 | ((c >> 6) & 0x3F));
    text += static_cast<char>(0x80 | (c & 0x3F));
  } else {
    text += static_cast<char>(0xF0 | (c >> 18));
    text += static_cast<char>(0x80 | ((c >> 12) & 0x3F));
    text += static_cast<char>(0x80 | ((c >> 6) & 0x3F));
    text += static_cast<char>(0x80 | (c & 0x3F));
  }
}

// Few characters, so that every rule meets every other. All are of old Unicode versions, which any PCRE2 knows.
std::string random_text(std::mt19937& random) {
  static const std::u32string kSome =
      U"''''aAsStTrReEvVmMlLdDſé東Ωא\u0301\u093F12٣½  \t\n\r\u00A0\u0085\u180E\u3000.,!<>_😀";
  std::string text;
  for (std::size_t n = random() % 24; n > 0; --n) append(text, kSome[random() % kSome.size()]);
  return text;
}

std::vector<std::string> cut(const PreTokenizer& words, const std::string& text) {
  std::vector<std::string> found;
  words.split(text, [&](std::string_view word) { found.emplace_back(word); });
  return found;
}

}  // namespace

TEST_CASE("scanners cut as PCRE2 cuts by the same patterns") {
  const std::vector<std::vector<std::string>> all = {
      {std::string(kGpt2Pattern)},
      {std::string(kLlama3Pattern)},
      {std::string(kDigitsAlonePattern)},
      {std::string(kQwen35Pattern)},
      {std::string(kDigitPattern), std::string(kGpt2Pattern)},
      {std::string(kDigitRunPattern), std::string(kGpt2Pattern)},
  };
  std::mt19937 random(11);
  for (const auto& patterns : all) {
    for (const std::string& pattern : patterns) CHECK(word_scanner(pattern) != nullptr);
    const auto fast = PreTokenizer::compile(patterns), slow = PreTokenizerTest::without_scanners(patterns);
    REQUIRE_OK(fast);
    REQUIRE_OK(slow);
    for (int i = 0; i < 20'000; ++i) {
      const std::string text = random_text(random);
      if (cut(*fast, text) != cut(*slow, text)) {
        INFO(patterns[0] << " of [" << text << "]");
        REQUIRE(cut(*fast, text) == cut(*slow, text));
      }
    }
  }
}

TEST_CASE("what Oniguruma and PCRE2 read differently is refused") {
  for (const char* pattern : {R"([a-z&&[^b]])", R"(\h+)", R"(a{2,3}+)", "(", R"([\S])"})
    CHECK_FALSE(PreTokenizer::compile({pattern}).has_value());
  CHECK(PreTokenizer::compile({R"(\p{L}+|\s++|.)"}).has_value());
  CHECK_FALSE(PreTokenizer::compile({}).has_value());
}

TEST_CASE("digits of the newest Unicode stand alone where tokenizers' Digits cut, and nowhere else") {
  const std::string text = "a\u2003\t\r\n\U00011DE8";  // Tolong Siki's eight
  const auto smollm = PreTokenizer::compile({std::string(kDigitPattern), std::string(kGpt2Pattern)});
  const auto gpt2 = PreTokenizer::compile({std::string(kGpt2Pattern)});
  REQUIRE_OK(smollm);
  REQUIRE_OK(gpt2);
  CHECK(cut(*smollm, text) == std::vector<std::string>{"a", "\u2003\t\r\n", "\U00011DE8"});
  CHECK(cut(*gpt2, text) == std::vector<std::string>{"a", "\u2003\t\r", "\n", "\U00011DE8"});
}

TEST_CASE("NFC joins, reorders and leaves alone") {
  std::string normal;
  CHECK_FALSE(to_nfc("plain Größe 東京 привет", normal));
  REQUIRE(to_nfc("e\u0301x", normal));
  CHECK(normal == "éx");
  REQUIRE(to_nfc("q\u0307\u0323 and \u1112\u1161\u11AB", normal));
  CHECK(normal == "q\u0323\u0307 and 한");
  CHECK_FALSE(to_nfc("q\u0323\u0307", normal));
  // Sogdian's combining dot is newer than the Unicode of tokenizers, which does not sort U+20EA before it.
  CHECK_FALSE(to_nfc("\u0421\U00010F4C\u20EA", normal));
  REQUIRE(to_nfc("\U00010F4C\u0307\u0323", normal));
  CHECK(normal == "\U00010F4C\u0323\u0307");
}
