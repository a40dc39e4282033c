// The server's side of the dialect: every body from outside becomes a request or a polite error.
#include "core/serve/openai_protocol.h"

#include "core/serve/allowance.h"
#include "core/serve/builtin_teacher.h"
#include "tests/catch.h"

namespace retort {
namespace {

std::variant<ChatRequest, ChatError> parse(const std::string& body) { return parse_chat_request(body); }

ChatRequest accepted(const std::string& body) {
  auto parsed = parse(body);
  if (const auto* error = std::get_if<ChatError>(&parsed)) FAIL(error->message);
  return std::get<ChatRequest>(parsed);
}

constexpr const char* kPlain = R"({"model":"arithmetic","messages":[{"role":"user","content":"What is 482 + 71?"}]})";

TEST_CASE("a request is read with its options", "[serve][protocol]") {
  const ChatRequest plain = accepted(kPlain);
  CHECK(plain.model == "arithmetic");
  CHECK(plain.last_user_text == "What is 482 + 71?");
  CHECK(plain.samples == 1);
  CHECK_FALSE(plain.seed);
  CHECK_FALSE(plain.max_tokens);
  CHECK_FALSE(plain.stream);
  CHECK(plain.prompt_tokens == 9);

  const ChatRequest full =
      accepted(R"({"model":"m","n":3,"seed":7,"max_completion_tokens":5,"temperature":0.5,"stream":true,
      "stream_options":{"include_usage":true},"messages":[{"role":"system","content":"be brief"},{"role":"user","content":"one"},
      {"role":"assistant","content":null},{"role":"user","content":[{"type":"text","text":"tw"},{"type":"text","text":"o"}]}]})");
  CHECK(full.samples == 3);
  CHECK(full.seed == 7U);
  CHECK(full.max_tokens == 5);
  CHECK(full.stream);
  CHECK(full.stream_usage);
  CHECK(full.last_user_text == "two");
}

TEST_CASE("a hostile body gets an error in OpenAI's shape", "[serve][protocol]") {
  const std::vector<std::string> bodies{
      "",
      "{",
      "null",
      "[]",
      "\"text\"",
      "{}",
      std::string(100'000, '['),
      R"({"model":5,"messages":[{"role":"user"}]})",
      R"({"model":"m"})",
      R"({"model":"m","messages":[]})",
      R"({"model":"m","messages":{"role":"user"}})",
      R"({"model":"m","messages":["hi"]})",
      R"({"model":"m","messages":[{"content":"x"}]})",
      R"({"model":"m","messages":[{"role":"user","content":5}]})",
      R"({"model":"m","messages":[{"role":"user","content":[{"type":"image_url"}]}]})",
      R"({"model":"m","messages":[{"role":"user","content":"x"}],"n":0})",
      R"({"model":"m","messages":[{"role":"user","content":"x"}],"n":1e9})",
      R"({"model":"m","messages":[{"role":"user","content":"x"}],"n":"2"})",
      R"({"model":"m","messages":[{"role":"user","content":"x"}],"seed":-1})",
      R"({"model":"m","messages":[{"role":"user","content":"x"}],"max_tokens":99999999999999999999999})",
      R"({"model":"m","messages":[{"role":"user","content":"x"}],"max_tokens":0})",
      R"({"model":"m","messages":[{"role":"user","content":"x"}],"stream":"yes"})",
      R"({"model":"m","messages":[{"role":"user","content":"x"}],"temperature":"hot"})",
      "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"\xff\"}]}",
      std::string(kPlain) + "x"};
  for (const std::string& body : bodies) {
    CAPTURE(body.substr(0, 80));
    const auto parsed = parse(body);
    const auto* error = std::get_if<ChatError>(&parsed);
    REQUIRE(error != nullptr);
    CHECK(error->status == 400);
    const auto shaped = parse_json(chat_error_body(*error));
    REQUIRE_OK(shaped);
    CHECK(json_text(json_child(*shaped, "error"), "type") == "invalid_request_error");
    CHECK_FALSE(json_text(json_child(*shaped, "error"), "message").empty());
  }
}

TEST_CASE("an answer has reasoning, samples, usage", "[serve][protocol]") {
  ChatRequest request = accepted(kPlain);
  request.samples = 2;
  const ChatAnswer answer = teach(*make_arithmetic_teacher(), request, 0, 12, 1700000000);
  const auto body = parse_json(chat_body(answer));
  REQUIRE_OK(body);
  const Json& choices = json_child(*body, "choices");
  REQUIRE(choices.size() == 2);
  const Json& message = json_child(choices[0], "message");
  CHECK(json_text(message, "content") == "553");
  CHECK(json_text(message, "reasoning_content").starts_with("482+071\n"));
  CHECK(json_text(json_child(choices[1], "message"), "content") == "553");
  CHECK(json_text(json_child(choices[1], "message"), "reasoning_content") != json_text(message, "reasoning_content"));
  CHECK(json_text(choices[0], "finish_reason") == "stop");
  CHECK(json_text(*body, "id") == "chatcmpl-12");
  const Json& usage = json_child(*body, "usage");
  CHECK(json_count(usage, "prompt_tokens") == 9);
  CHECK(json_count(usage, "total_tokens") == 9 + json_count(usage, "completion_tokens").value());
  CHECK(json_count(json_child(usage, "completion_tokens_details"), "reasoning_tokens").value() ==
        json_count(usage, "completion_tokens").value() - 6);
}

TEST_CASE("max_tokens cuts reasoning first, then the answer", "[serve][protocol]") {
  ChatRequest request = accepted(kPlain);
  const Tokens all = teach(*make_arithmetic_teacher(), request, 0, 1, 0).completion_tokens;
  for (Tokens most = 1; most <= all + 1; ++most) {
    request.max_tokens = most;
    const ChatAnswer answer = teach(*make_arithmetic_teacher(), request, 0, 1, 0);
    CHECK(answer.completion_tokens == std::min(most, all));
    CHECK(answer.choices[0].finish == (most < all ? "length" : "stop"));
    CHECK((answer.choices[0].answer.text == "553") == (most >= all));
  }
}

TEST_CASE("a stream's events join to the same answer", "[serve][protocol]") {
  const ChatAnswer answer = teach(*make_arithmetic_teacher(), accepted(kPlain), 0, 1, 0);
  const std::vector<std::string> events = chat_events(answer, true);
  CHECK(events.back() == "data: [DONE]\n\n");
  std::string reasoning;
  std::string text;
  std::string finish;
  std::optional<std::int64_t> billed;
  for (std::size_t i = 0; i + 1 < events.size(); ++i) {
    REQUIRE(events[i].starts_with("data: {"));
    REQUIRE(events[i].ends_with("}\n\n"));
    const auto data = parse_json(events[i].substr(6));
    REQUIRE_OK(data);
    const Json& choices = json_child(*data, "choices");
    if (choices.empty()) billed = json_count(json_child(*data, "usage"), "completion_tokens");
    for (const Json& choice : choices) {
      reasoning += json_text(json_child(choice, "delta"), "reasoning_content");
      text += json_text(json_child(choice, "delta"), "content");
      finish += json_text(choice, "finish_reason");
    }
  }
  CHECK(reasoning == answer.choices[0].answer.reasoning);
  CHECK(text == "553");
  CHECK(finish == "stop");
  CHECK(billed == answer.completion_tokens);
}

TEST_CASE("tokens are counted as they are cut", "[serve][protocol]") {
  CHECK(count_tokens("") == 0);
  CHECK(count_tokens("   ") == 0);
  CHECK(count_tokens("What is 482+71?") == 9);
  const std::string text = "Mia has 48 pens,  and\nno more. ";
  for (Tokens most = 0; most <= count_tokens(text) + 1; ++most) {
    const std::size_t bytes = bytes_of_tokens(text, most);
    CHECK(count_tokens(text.substr(0, bytes)) == std::min(most, count_tokens(text)));
  }
  CHECK(bytes_of_tokens(text, 1000) == text.size());
}

TEST_CASE("an allowance refills with time and keeps its burst", "[serve][allowance]") {
  const Instant start{1'000'000'000};
  Allowance allowance(60, 2, start);
  CHECK(allowance.wait_for(1, start) == 0ns);
  allowance.take(1, start);
  allowance.take(1, start);
  CHECK(allowance.wait_for(1, start) == 1s);
  CHECK(allowance.wait_for(1, start + 1s) == 0ns);
  CHECK(allowance.remaining(start + 100s) == 2);
  CHECK(allowance.wait_for(50, start + 100s) == 0ns);  // more than the burst: when it is full
  allowance.take(50, start + 100s);
  CHECK(allowance.wait_for(1, start + 100s) == 49s);
}

}  // namespace
}  // namespace retort
