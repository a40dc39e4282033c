// The key that a teacher echoes, in every spelling that JSON and streams have.
#include "core/base/text.h"
#include "core/teacher/openai_chat.h"
#include "core/teacher/redacted_reply.h"
#include "tests/catch.h"

using namespace retort;

namespace {
constexpr const char* kKey = "sk-a/b+0";
}

TEST_CASE("a key is found as it is, and as JSON spells it") {
  CHECK(redacted("say sk-a/b+0, sk-a/b+0!", kKey) == "say [redacted], [redacted]!");
  CHECK(redacted(R"("sk-a\/b+0")", kKey) == R"("[redacted]")");
  CHECK(redacted(R"(\u0073k-a/b+\u0030)", kKey) == "[redacted]");
  CHECK(redacted(R"(\u0073\u006B\u002d\u0061\u002F\u0062\u002B\u0030\u0030)", kKey) == R"([redacted]\u0030)");
  CHECK(redacted(R"(sk-sk-a\/b+0)", kKey) == "sk-[redacted]");
  CHECK(redacted(R"("arguments":"{\"k\":\"\\u0073k-a/b+0\"}")", kKey) == R"("arguments":"{\"k\":\"\[redacted]\"}")");
  CHECK(redacted(R"(\u0073k-a/b+)", kKey) == R"(\u0073k-a/b+)");
  CHECK(redacted(R"(\u00)", kKey) == R"(\u00)");
  CHECK(redacted(R"(\u0073)", "") == R"(\u0073)");
}

TEST_CASE("a placeholder for a key takes no word out of an answer") {
  for (const char* placeholder : {"", "1", "EMPTY", "none", "null", "dummy", "ollama", "lm-studio", "not-needed"}) {
    const std::string said = std::string("say ") + placeholder + ", 1";
    CHECK_FALSE(is_secret(placeholder));
    CHECK(redacted(said, placeholder) == said);
  }
  for (const char* key : {"token-abc123", "hunter22", "AKIAQXWJZKLMPTVB"}) CHECK(is_secret(key));
}

TEST_CASE("a key that only the events of a stream spell together is read by nobody again") {
  const auto teacher = make_openai_chat({"http://t/v1", "m", {}, "max_tokens"});
  const HttpHead head{200, {{"content-type", "text/event-stream"}}};
  const auto event = [](const std::string& delta) {
    return R"(data: {"choices":[{"index":0,"delta":)" + delta + R"(,"finish_reason":null}]})" + "\n\n";
  };
  std::string body =
      event(R"({"content":"it is sk-"})") + event(R"({"content":"a/b"})") + event(R"({"content":"+0."})");
  SECTION("an answer") {
    body += R"(data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]})"
            "\n\ndata: [DONE]\n\n";
    const Reply reply = decode_redacted(*teacher, head, body, kKey);
    CHECK(std::get<Answer>(reply).choices.front().text == "it is [redacted].");
    CHECK(body.empty());
  }
  SECTION("cut") {
    const Reply reply = decode_redacted(*teacher, head, body, kKey);
    REQUIRE(std::get<Rejection>(reply).partial);
    CHECK(std::get<Rejection>(reply).partial->text == "it is [redacted].");
    CHECK(body.empty());
  }
  SECTION("none in it") {
    const std::string whole = body;
    decode_redacted(*teacher, head, body, "sk-other");
    CHECK(body == whole);
  }
  SECTION("in the arguments of a tool call") {
    body =
        R"({"choices":[{"message":{"tool_calls":[{"id":"1","function":{"name":"f","arguments":"{\"k\":\"\u0073k-a\/b+0\"}"}}]},"finish_reason":"tool_calls"}]})";
    const Reply reply = decode_redacted(*teacher, {200, {{"content-type", "application/json"}}}, body, kKey);
    const std::string calls = std::get<Answer>(reply).choices.front().tool_calls.dump();
    CHECK(calls.find("[redacted]") != std::string::npos);
    CHECK_FALSE(body.empty());
  }
}

TEST_CASE("a rejection is told without the key") {
  Reply reply = Rejection{Rejection::Kind::refused_us, "http_401", "no such key: sk-a/b+0"};
  CHECK(redact(reply, kKey));
  CHECK(std::get<Rejection>(reply).detail == "no such key: [redacted]");
  CHECK_FALSE(redact(reply, kKey));
}
