// The quick reader says what the library says, or leaves the word to it.
#include "core/base/json_reader.h"

#include "core/base/random.h"
#include "tests/catch.h"

namespace retort {
namespace {

// Pieces that make documents, and pieces that break them.
std::string any_document(Random& random) {
  static const char* const kPieces[] = {"{",
                                        "}",
                                        "[",
                                        "]",
                                        ":",
                                        ",",
                                        "\"",
                                        "\"key\"",
                                        "\"a\"",
                                        "null",
                                        "true",
                                        "false",
                                        "0",
                                        "-0",
                                        "1",
                                        "-17",
                                        "01",
                                        "1.5",
                                        "-2.5e-3",
                                        "1e999",
                                        "1e-999",
                                        "12345678901234567890",
                                        "-9223372036854775808",
                                        "1.",
                                        ".5",
                                        "1e",
                                        " ",
                                        "\n",
                                        "\t",
                                        "\\u0041",
                                        "\\ud83d\\ude00",
                                        "\\ud83d",
                                        "\\udc00x",
                                        "\\n\\\"",
                                        "\\x",
                                        "\\u00",
                                        "ä漢🜁",
                                        "\xff",
                                        "\xed\xa0\x80",
                                        "\x01",
                                        "nul",
                                        "tru",
                                        "plain text of some length, longer than a word",
                                        "\\u0000"};
  std::string text;
  for (auto i = random.between(1, 12); i > 0; --i) text += kPieces[random.between(0, std::size(kPieces) - 1)];
  return text;
}

void agree(const std::string& text) {
  const auto quick = read_plain_json(text, kJsonDepthMax);
  if (!quick) return;
  const Json slow = Json::parse(text, nullptr, false);
  if (slow.is_discarded()) FAIL("the library refuses what was read: " << text);
  if (*quick != slow || quick->dump() != slow.dump() || quick->type() != slow.type())
    FAIL(text << " was read as " << quick->dump() << " instead of " << slow.dump());
}

TEST_CASE("what is read quickly is what the library reads", "[unit][json]") {
  Random random(20261123);
  for (int round = 0; round < 200'000; ++round) {
    agree(any_document(random));
    agree("[" + any_document(random) + "]");
    agree("{\"k\":" + any_document(random) + ",\"k\":\"" + any_document(random) + "\"}");
    agree("\"" + any_document(random) + "\"");
  }
}

TEST_CASE("what is usual is read quickly", "[unit][json]") {
  for (
      const char* text :
      {R"({"id":"x","choices":[{"index":0,"message":{"role":"assistant","content":"Hello \"you\"\n\u00e9 \ud83d\ude00"},
           "finish_reason":"stop","logprobs":null}],"usage":{"prompt_tokens":12,"total":-3,"x":0.5},"ok":true})",
       R"("ä漢🜁 and more")", "[]", "{}", " [ ] ", "0", "-1", "1e3", "18446744073709551", "null", R"({"a":1,"a":{}})"}) {
    CAPTURE(text);
    REQUIRE(read_plain_json(text, 8).has_value());
    agree(text);
  }
  CHECK(read_plain_json("[1, -1, 1.0]", 8)->at(0).is_number_unsigned());
}

TEST_CASE("what is unusual is left to the library", "[unit][json]") {
  for (const std::string text :
       {"", " ", "1 2", "[1,]", "{\"a\" 1}", "\"\xff\"", "\"\\ud800\"", "\"\t\"", "1e999", "01",
        "123456789012345678901", "\xEF\xBB\xBF{}", "\"open", "[", "{", "{\"a\":", "tru", "-", "+1"}) {
    CAPTURE(text);
    CHECK_FALSE(read_plain_json(text, 8).has_value());
  }
  CHECK(read_plain_json("[[[[]]]]", 4).has_value());
  CHECK_FALSE(read_plain_json("[[[[]]]]", 3).has_value());
  CHECK(read_plain_json("[[],[],[],[{}]]", 3).has_value());
}

}  // namespace
}  // namespace retort
