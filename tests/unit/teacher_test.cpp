// The dialect as a pure codec: what is sent, and what every kind of reply becomes.
#include "core/teacher/identity.h"
#include "core/teacher/openai_chat.h"
#include "tests/catch.h"

using namespace retort;

namespace {

const std::unique_ptr<Teacher>& teacher() {
  static const auto made = make_openai_chat({"http://t/v1", "m", Prices({1.0, 10.0}), "max_tokens"});
  return made;
}

Reply decode(int status, std::string_view body, std::vector<HttpHeader> headers = {}) {
  return teacher()->decode({status, std::move(headers)}, body);
}

Response answered(std::string_view body) {
  Reply reply = decode(200, body);
  if (auto* rejection = std::get_if<Rejection>(&reply)) FAIL(rejection->word << ": " << rejection->detail);
  return std::get<Answer>(std::move(reply)).choices.front();
}

Rejection rejected(int status, std::string_view body, std::vector<HttpHeader> headers = {}) {
  Reply reply = decode(status, body, std::move(headers));
  REQUIRE(std::holds_alternative<Rejection>(reply));
  return std::get<Rejection>(std::move(reply));
}

std::string choice(const std::string& message, const std::string& finish = "stop") {
  return R"({"id":"c1","model":"m-2026","choices":[{"message":)" + message + R"(,"finish_reason":")" + finish +
         R"("}],)" +
         R"("usage":{"prompt_tokens":7,"completion_tokens":5,"completion_tokens_details":{"reasoning_tokens":2}}})";
}

Json user(const char* text) { return Json::array({{{"role", "user"}, {"content", text}}}); }

}  // namespace

TEST_CASE("a question becomes OpenAI's request") {
  const HttpRequest request = teacher()->encode({user("hi"), {{"temperature", 0.6}}, 64});
  CHECK(request.url == "http://t/v1/chat/completions");
  const Json body = *parse_json(request.body);
  CHECK(body == Json({{"model", "m"}, {"messages", user("hi")}, {"temperature", 0.6}, {"max_tokens", 64}}));
  for (const auto& [name, value] : request.headers) CHECK(name != "authorization");
  CHECK(teacher()->credential_header("k") == HttpHeader("authorization", "Bearer k"));
}

TEST_CASE("everything in an answer is kept") {
  const Response response = answered(choice(R"({"content":"4","reasoning_content":"2+2"})"));
  CHECK(response.text == "4");
  CHECK(response.reasoning == "2+2");
  CHECK(response.finish == Finish::stop);
  CHECK(response.served_model == "m-2026");
  CHECK(response.provider_id == "c1");
  CHECK(response.usage.input == 7);
  CHECK(response.usage.output == 5);
  CHECK(response.usage.reasoning == 2);
  CHECK(teacher()->invoice(response.usage, {}, {}).money.pico == 7'000'000 + 50'000'000);
  CHECK(answered(choice(R"({"content":"a"})", "length")).finish == Finish::length);
  CHECK(answered(choice(R"({"content":null,"refusal":"no"})")).finish == Finish::refusal);
  CHECK(answered(choice(R"({"content":""})", "content_filter")).finish == Finish::content_filter);
  CHECK(answered(choice(R"({"content":"a\u0000b"})")).text == std::string("a\0b", 3));
  CHECK(answered("\xEF\xBB\xBF" + choice(R"({"content":"bom"})")).text == "bom");
  CHECK_FALSE(
      answered(
          R"({"choices":[{"message":{"content":"x"}}],"usage":{"prompt_tokens":-1,"completion_tokens":99999999999999999999}})")
          .usage.output);
}

TEST_CASE("inline reasoning is told apart from the answer") {
  CHECK(answered(choice(R"({"content":"<think>\nhm\n</think>\n\n4"})")).reasoning == "hm");
  CHECK(answered(choice(R"({"content":"hm</think>4"})")).text == "4");  // the opening tag was part of the prompt
  CHECK(answered(choice(R"({"content":"use <think> and </think> tags"})")).reasoning.empty());
}

TEST_CASE("what is no answer is named") {
  using Kind = Rejection::Kind;
  const auto kind = [](int status, std::string_view body = "{}") { return rejected(status, body).kind; };
  CHECK(kind(429) == Kind::rate_limited);
  CHECK(kind(429, R"({"error":{"type":"insufficient_quota","message":"pay"}})") == Kind::quota);
  CHECK(kind(429, R"({"error":{"code":"credit_balance_exhausted","message":null}})") == Kind::quota);
  CHECK(kind(402) == Kind::quota);
  for (const int status : {401, 403, 404, 307}) CHECK(kind(status) == Kind::refused_us);
  for (const int status : {400, 413, 422}) CHECK(kind(status) == Kind::permanent);
  for (const int status : {408, 409, 500, 502, 503, 504, 529, 204}) CHECK(kind(status) == Kind::transient);
  CHECK(rejected(500, "{}", {{"x-should-retry", "false"}}).kind == Kind::permanent);
  CHECK(rejected(502, "<html>bad gateway</html>").word == "http_502");

  CHECK(rejected(200, "").word == "empty_body");
  CHECK(rejected(200, "<html>").word == "not_json");
  CHECK(rejected(200, choice(R"({"content":"x"})") + "junk").word == "not_json");
  CHECK(rejected(200, R"({"choices":[]})").word == "no_choices");
  CHECK(rejected(200, R"({"error":{"message":"overloaded"}})").word == "error_in_200");
  CHECK(rejected(200, choice(R"({"content":null})")).word == "null_content");
  CHECK(rejected(200, choice(R"({"content":null})")).kind == Kind::permanent);
  CHECK(rejected(200, choice("{\"content\":\"\xff\"}")).word == "not_json");
  CHECK(rejected(200, choice(R"({"content":"\ud800"})")).word == "not_json");
  CHECK(rejected(200, std::string(1'000'000, '[')).word == "not_json");
  CHECK(rejected(200, std::string(200'000, '[') + std::string(200'000, ']')).word == "not_json");
  CHECK(rejected(200, "data: {}\n\ndata: [DONE]\n\n").word == "no_choices");
}

TEST_CASE("identity is what shapes the answer, and nothing else") {
  const auto digest = [](const Json& messages, const Json& parameters, int sample = 0, const char* model = "m") {
    return request_digest({"openai-chat", model, messages, parameters, sample});
  };
  const std::string base = digest(user("q"), {{"temperature", 1}});
  CHECK(base == digest(user("q"), {{"temperature", 1.0}, {"max_tokens", 5}, {"stream", true}, {"logprobs", true}}));
  CHECK(base != digest(user("q"), {{"temperature", 0.5}}));
  CHECK(base != digest(user("Q"), {{"temperature", 1}}));
  CHECK(base != digest(user("q"), {{"temperature", 1}}, 1));
  CHECK(base != digest(user("q"), {{"temperature", 1}}, 0, "m2"));
  CHECK(sample_parameters({{"seed", 5}}, 3) == Json({{"seed", 8}}));
  CHECK(sample_parameters({{"top_p", 1}}, 3) == Json({{"top_p", 1}}));
  CHECK(digest(user("q"), Json::object()).size() == 64);
}

TEST_CASE("an unknown dialect is refused with those that are known") {
  const auto made = make_teacher("openai", {});
  REQUIRE_FALSE(made);
  CHECK_THAT(made.error().message, ContainsText("openai-chat"));
}
