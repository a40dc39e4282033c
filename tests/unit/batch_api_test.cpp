// The codecs of the batch APIs: what goes up is the dialect's own body, and of what comes down the very bytes are kept.
#include "core/batch/batch_api.h"

#include "core/base/json.h"
#include "core/batch/result_lines.h"
#include "tests/catch.h"

namespace retort {
namespace {

HttpRequest encoded(const char* dialect, const char* base_url) {
  const auto teacher = std::move(*make_teacher(dialect, {base_url, "m", Prices()}));
  Question question;
  question.messages = Json::array({{{"role", "user"}, {"content", "a\nb"}}});
  question.parameters = Json::object();
  question.max_tokens = 9;
  return teacher->encode(question);
}

}  // namespace

TEST_CASE("a line of an OpenAI batch names its path from /v1 on, wherever the server is", "[unit][batch]") {
  const char* base = "https://api.example/openai/v1";
  const auto api = make_openai_batch(base, {});
  const HttpRequest question = encoded("openai-chat", base);
  const std::string line = api->line("rt-k-7", question);
  CHECK(line.back() == '\n');
  CHECK(line.find('\n') == line.size() - 1);
  const Json parsed = *parse_json(line);
  CHECK(parsed["custom_id"] == "rt-k-7");
  CHECK(parsed["url"] == "/v1/chat/completions");
  CHECK(parsed["method"] == "POST");
  CHECK(parsed["body"] == *parse_json(question.body));
  const HttpRequest create = api->create("k", "file-1", line);
  CHECK(create.url == "https://api.example/openai/v1/batches");
  const Json asked = *parse_json(create.body);
  CHECK(asked["endpoint"] == "/v1/chat/completions");
  CHECK(asked["metadata"] == Json({{"retort_batch", "k"}}));
}

TEST_CASE("an Anthropic batch holds its lines as a list", "[unit][batch]") {
  const auto api = make_anthropic_batch("https://api.example", {{"anthropic-version", "2023-06-01"}});
  const HttpRequest question = encoded("anthropic", "https://api.example");
  const std::string lines = api->line("rt-k-7", question) + api->line("rt-k-8", question);
  const HttpRequest create = api->create("k", "", lines);
  CHECK(create.url == "https://api.example/v1/messages/batches");
  const Json requests = (*parse_json(create.body))["requests"];
  REQUIRE(requests.size() == 2);
  CHECK(requests[1]["custom_id"] == "rt-k-8");
  CHECK(requests[1]["params"] == *parse_json(question.body));
  // Where results are is not for a server to say: our key goes with the request.
  CHECK(api->results("msgbatch_1").url == "https://api.example/v1/messages/batches/msgbatch_1/results");
}

TEST_CASE("of a line of results the reply's own bytes are kept", "[unit][batch]") {
  const auto api = make_openai_batch("http://t/v1", {});
  const std::string body = R"({ "b": [1.50, "}\"{"], "a" : 1e2 })";
  const std::string line = R"({"custom_id":"rt-k-7", "response" : {"status_code":200,"body":)" + body +
                           R"(,"request_id":"r"},"error":null})";
  const auto read = api->read_line(line);
  REQUIRE(read.has_value());
  CHECK(read->body == body);
  CHECK(read->status == 200);
  CHECK(raw_member(R"({"a":1,"a":[2]})", {"a"}) == "[2]");
  CHECK(raw_member("[1]", {"a"}).empty());
}

TEST_CASE("a custom_id is known by its batch's key", "[unit][batch]") {
  CHECK(custom_id("00ff", 12) == "rt-00ff-12");
  CHECK(attempt_of("rt-00ff-12", "00ff") == RowId{12});
  for (const char* other : {"rt-00fe-12", "rt-00ff-", "rt-00ff-x", "rt-00ff--1", "rt-00ff-12 ", "00ff-12", ""})
    CHECK_FALSE(attempt_of(other, "00ff").has_value());
  CHECK(attempt_within(R"({"custom_id":"rt-00ff-12","resp)", "00ff") == RowId{12});
  CHECK_FALSE(attempt_within(R"({"custom_id":"rt-00ff-12)", "00fe").has_value());
}

TEST_CASE("an id that is no plain word comes into no URL", "[unit][batch]") {
  const auto api = make_openai_batch("http://t/v1", {});
  for (const char* id : {"../files", "a/b", "a?b", "a b", "", "a#b"}) {
    CAPTURE(id);
    CHECK_FALSE(api->read_batch(dump_json({{"id", id}, {"status", "completed"}})).has_value());
    CHECK_FALSE(api->read_upload(dump_json({{"id", id}})).has_value());
    const auto view = api->read_batch(dump_json({{"id", "batch_1"}, {"status", "completed"}, {"output_file_id", id}}));
    REQUIRE(view.has_value());
    CHECK(view->result_files.empty());
  }
}

}  // namespace retort
