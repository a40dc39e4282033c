// What the corpus keeps of odd answers, and of bytes that were none.
#include "core/base/text.h"
#include "storage/compression.h"
#include "tests/catch.h"
#include "tests/e2e/scene.h"

namespace retort {
namespace {

struct Detail {
  const char* fault;
  const char* sql;
  const char* value;
};

constexpr Detail kDetails[] = {
    {"length", "SELECT finish || ' ' || truncated FROM response JOIN request ON response_id = response.id", "length 1"},
    {"content_filter", "SELECT finish FROM response", "content_filter"},
    {"esc_nul", "SELECT hex(text) FROM response", "340032"},
    {"wrong_id", "SELECT provider_id FROM response", "chatcmpl-of-somebody-else"},
    {"neg_usage", "SELECT output_tokens IS NULL AND input_tokens > 0 FROM response", "1"},
    {"dup_keys", "SELECT text FROM response", "4"},  // the last one counts
    {"bom", "SELECT text FROM response", "4"},
    {"huge_number", "SELECT text || ' ' || (output_tokens > 0) FROM response", "4 1"},
    {"wrong_type_ct", "SELECT text FROM response", "4"},
    {"gzip", "SELECT text FROM response", "4"},
};

TEST_CASE("of an odd answer the corpus keeps what was said", "[e2e][wire]") {
  for (const Detail& detail : kDetails) {
    CAPTURE(detail.fault);
    Scene scene({.scenario = std::string("then: ") + detail.fault});
    scene.write("prompts.jsonl", R"({"prompt":"2 + 2"})");
    CHECK(scene.harvest().code == 0);
    CHECK(scene.text(detail.sql) == detail.value);
    REQUIRE(scene.run({"export", "-o", "out.jsonl"}).code == 0);
    const auto lines = json_lines(scene.read("out.jsonl"));  // valid UTF-8 too
    if (std::string(detail.fault) == "length") {
      CHECK(lines.empty());
      continue;
    }
    REQUIRE(lines.size() == 1);
    const std::string text = lines[0]["messages"][1]["content"];
    CHECK(text == scene.text("SELECT text FROM response"));
    if (std::string(detail.fault) == "esc_nul") CHECK(text == std::string("4\0002", 3));
  }
}

// when:  the fault in the only reply
// then:  no answer, and its bytes stay for whoever wants to know why
TEST_CASE("bytes that were no answer are kept as evidence", "[e2e][wire]") {
  const auto [fault, part] = GENERATE(table<std::string, std::string>({{"502_html", "502 Bad Gateway"},
                                                                       {"200_html", "Please sign in"},
                                                                       {"200_error", "upstream failed"},
                                                                       {"trunc_json", "\"choices\""},
                                                                       {"trailing_junk", "junk"},
                                                                       {"trunc", "\"choices\""},
                                                                       {"bad_utf8", "4\xff\xfe"},
                                                                       {"raw_nul", std::string("4\0002", 3)}}));
  CAPTURE(fault);
  Scene scene({.scenario = "then: " + fault});
  scene.write("prompts.jsonl", R"({"prompt":"2 + 2"})");
  CHECK(scene.harvest({"--attempts", "1"}).code == 3);
  CHECK(scene.number("SELECT count(*) FROM response") == 0);
  const auto body = decompress(scene.text("SELECT body FROM raw"), 1 << 20);
  REQUIRE_OK(body);
  CHECK(has(*body, part));
  // What is told is valid text on one line, whatever came.
  const std::string told = scene.text("SELECT error_detail FROM attempt");
  CHECK(is_valid_utf8(told));
  CHECK(told.find('\n') == std::string::npos);
}

// when:  a server's memory is asked for in vain: bodies cut at the bound
// then:  not even the evidence is larger than a response may be
TEST_CASE("what is kept of an endless reply is bounded", "[e2e][wire]") {
  const std::string fault = GENERATE("big_body", "big_chunked", "gzip_bomb", "big_header");
  CAPTURE(fault);
  Scene scene({.scenario = "then: " + fault});
  scene.write("prompts.jsonl", R"({"prompt":"2 + 2"})");
  CHECK(scene.harvest({"--attempts", "1"}).code == 3);
  CHECK(scene.text("SELECT error FROM attempt") == "too_large");
  CHECK(scene.number("SELECT coalesce(max(bytes), 0) FROM raw") <= 16 << 20);
}

}  // namespace
}  // namespace retort
