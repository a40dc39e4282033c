// What a refusing reply says, in every provider's way of saying it: is it a rate limit or the end, how long to wait,
// and what ran out.
#include "core/teacher/http_errors.h"

#include "tests/catch.h"

using namespace retort;

namespace {

using Kind = Rejection::Kind;
using Limit = Rejection::Limit;

Rejection rejected(int status, std::string_view body, std::vector<HttpHeader> headers = {}) {
  const auto parsed = parse_reply_json(body);
  return reject_status({status, std::move(headers)}, parsed ? provider_error(*parsed) : std::nullopt, body);
}

Rejection rejected_in_200(std::string_view body) {
  const auto parsed = parse_reply_json(body);
  REQUIRE_OK(parsed);
  const auto error = provider_error(*parsed);
  REQUIRE(error.has_value());
  return reject_error(*error);
}

/// Google's 429, with a quota's name.
std::string google(const std::string& quota, const std::string& delay = "22s") {
  return R"({"error":{"code":429,"message":"You exceeded your current quota","status":"RESOURCE_EXHAUSTED","details":[)"
         R"({"@type":"type.googleapis.com/google.rpc.QuotaFailure","violations":[{"quotaMetric":"m","quotaId":")" +
         quota + R"(","quotaValue":"15"}]},{"@type":"type.googleapis.com/google.rpc.Help","links":[]},)" +
         R"({"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":")" + delay + R"("}]}})";
}

}  // namespace

TEST_CASE("each status has its kind and its word") {
  for (const int status : {408, 409, 500, 502, 503, 504, 529, 204, 299}) {
    CAPTURE(status);
    CHECK(rejected(status, "").kind == Kind::transient);
    CHECK(rejected(status, "").word == "http_" + std::to_string(status));
  }
  for (const int status : {401, 403, 404, 301, 302, 303, 307, 308})
    CHECK(rejected(status, "").kind == Kind::refused_us);
  for (const int status : {400, 405, 410, 413, 418, 422}) CHECK(rejected(status, "").kind == Kind::permanent);
  CHECK(rejected(429, "").kind == Kind::rate_limited);
  CHECK(rejected(402, "").kind == Kind::quota);
  CHECK(rejected(413, "").word == "too_large");
  CHECK(rejected(307, "", {{"location", "http://elsewhere/"}}).detail.find("http://elsewhere/") != std::string::npos);
}

TEST_CASE("a spent budget is no rate limit, whatever its status, in every provider's words") {
  for (const char* word : {"insufficient_quota", "credit_balance_exhausted", "organization_spend_limit_exceeded",
                           "project_spend_limit_exceeded", "organization_usage_limit_exceeded"}) {
    CAPTURE(word);
    const std::string quoted = std::string("\"") + word + "\"";
    for (const std::string& body : {R"({"error":{"type":)" + quoted + "}}", R"({"error":{"code":)" + quoted + "}}",
                                    R"({"error":{"type":null,"message":7,"code":)" + quoted + "}}"}) {
      CHECK(rejected(429, body).kind == Kind::quota);
      CHECK(rejected(429, body).word == "quota");
      CHECK(rejected(403, body).kind == Kind::quota);
      CHECK(rejected_in_200(body).kind == Kind::quota);
    }
    CHECK(rejected(429, R"({"error":{"message":)" + quoted + "}}").kind == Kind::rate_limited);
  }
  const std::string spend =
      R"({"type":"error","error":{"type":"rate_limit_error","details":{"error_code":"enforced_spend_limit_reached"}}})";
  CHECK(rejected(429, spend).kind == Kind::quota);
  CHECK(rejected(429, spend, {{"retry-after", "30"}}).kind == Kind::rate_limited);
  CHECK(
      rejected(429, R"({"error":{"type":"rate_limit_error"},"details":{"error_code":"enforced_spend_limit_reached"}})")
          .kind == Kind::quota);
}

TEST_CASE("Gemini's wait stands in the body, and a quota of the day is the end of the day") {
  const Rejection minute = rejected(429, google("GenerateRequestsPerMinutePerProjectPerModel-FreeTier"));
  CHECK(minute.kind == Kind::rate_limited);
  CHECK(minute.retry_after == Duration(22s));
  CHECK(minute.limit == Limit::requests);
  CHECK(rejected(429, google("GenerateContentInputTokensPerModelPerMinute")).limit == Limit::tokens);
  CHECK(rejected(429, google("x", "0.25s")).retry_after == Duration(250ms));
  CHECK(rejected(429, "[" + google("x", "7s") + "]").retry_after == Duration(7s));  // its OpenAI-like door
  for (const char* delay : {"", "s", "22", "soon", "-5s", "22ss", "1e3s"}) {
    CAPTURE(delay);
    CHECK_FALSE(rejected(429, google("x", delay)).retry_after.has_value());
  }
  CHECK(rejected(429, google("x", std::string(400, '9') + "s")).retry_after > Duration(24h));

  const Rejection day = rejected(429, google("GenerateRequestsPerDayPerProjectPerModel-FreeTier"));
  CHECK(day.kind == Kind::quota);
  CHECK(day.word == "quota");
  CHECK(rejected(429, R"({"error":{"details":[{"quotaId":"TokensPerDay"}]}})").kind == Kind::quota);
}

TEST_CASE("what ran out is read where it is said") {
  CHECK(rejected(429, R"({"error":{"type":"requests","code":"rate_limit_exceeded"}})").limit == Limit::requests);
  CHECK(rejected(429, R"({"error":{"type":"tokens","code":"rate_limit_exceeded"}})").limit == Limit::tokens);
  CHECK(rejected(429, R"({"error":{"type":"dynamic_request_limited"}})").limit == Limit::requests);
  CHECK(rejected(429, R"({"error":{"code":"dynamic_token_limited"}})").limit == Limit::tokens);
  CHECK(rejected(429, R"({"error":{"message":"tokens"}})").limit == Limit::unknown);
  CHECK(rejected(503, R"({"error":{"type":"slow_down"}})").slow_down);
  CHECK(rejected(503, R"({"error":{"type":"slow_down"}})").kind == Kind::transient);
  CHECK(rejected(429, R"({"error":{"code":"slow_down"}})").slow_down);
  CHECK_FALSE(rejected(503, R"({"error":{"message":"slow_down"}})").slow_down);
}

TEST_CASE("the server's word on trying again is obeyed where it sends one") {
  CHECK(rejected(500, "", {{"x-should-retry", "false"}}).kind == Kind::permanent);
  CHECK(rejected(400, "", {{"x-should-retry", "true"}}).kind == Kind::transient);
  CHECK(rejected(500, "", {{"x-should-retry", "true"}}).kind == Kind::transient);
  CHECK(rejected(400, "", {{"x-should-retry", "false"}}).kind == Kind::permanent);
  CHECK(rejected(500, "", {{"x-should-retry", "perhaps"}}).kind == Kind::transient);
  CHECK(rejected(429, "", {{"x-should-retry", "false"}}).kind == Kind::quota);
  CHECK(rejected(429, "", {{"x-should-retry", "false"}, {"retry-after", "2"}}).kind == Kind::rate_limited);
  CHECK(rejected(429, "", {{"x-should-retry", "true"}}).kind == Kind::rate_limited);
}

TEST_CASE("an error in a 200 is what its code means") {
  const auto kind = [](const char* code) {
    return rejected_in_200(std::string(R"({"error":{"message":"m","code":)") + code + "}}").kind;
  };
  CHECK(kind("429") == Kind::rate_limited);
  CHECK(kind("\"429\"") == Kind::rate_limited);
  CHECK(kind("\"rate_limit_exceeded\"") == Kind::rate_limited);
  CHECK(kind("402") == Kind::quota);
  CHECK(kind("401") == Kind::refused_us);
  for (const char* code : {"400", "403", "404", "413", "422"}) CHECK(kind(code) == Kind::permanent);
  for (const char* code : {"null", "408", "500", "502", "529", "\"server_error\"", "{}", "-7", "1e300", "99999999999"})
    CHECK(kind(code) == Kind::transient);
  CHECK(rejected_in_200(R"({"error":{"type":"overloaded_error"}})").word == "error_in_200");
}

TEST_CASE("type, code and message may be anything at all") {
  const std::vector<std::string> odd = {
      "null", "7", "-1.5", "true", "\"\"", "\"x\"", "[]", "{}", "[[]]", "1e999", "{\"a\":{\"b\":[1]}}"};
  int seen = 0;
  for (const std::string& type : odd) {
    for (const std::string& code : odd) {
      for (const std::string& message : odd) {
        const std::string body = R"({"error":{"type":)" + type + R"(,"code":)" + code + R"(,"message":)" + message +
                                 R"(,"details":)" + type + "}}";
        CAPTURE(body);
        const Rejection at_500 = rejected(500, body);
        if (at_500.kind == Kind::transient && at_500.word == "http_500" && at_500.detail.size() <= 250 &&
            rejected(429, body).kind == Kind::rate_limited)
          ++seen;
      }
    }
  }
  CHECK(seen == static_cast<int>(odd.size() * odd.size() * odd.size()));
  for (const char* error : {"null", "false", "\"\"", "{}", "[]"}) {
    CAPTURE(error);
    CHECK_FALSE(provider_error(*parse_json(std::string(R"({"error":)") + error + "}")).has_value());
  }
  CHECK(provider_error(*parse_json(R"({"error":"out of cheese"})"))->message == "out of cheese");
  CHECK(provider_error(*parse_json(R"({"error":{"message":{"text":"deep"}}})"))->message == R"({"text":"deep"})");
  CHECK_FALSE(provider_error(*parse_json(R"([{"error":{"code":1}},{}])")).has_value());
  CHECK_FALSE(provider_error(*parse_json("[[[[]]]]")).has_value());
}

TEST_CASE("a provider's message is cut and stays on one line") {
  const Rejection rejection =
      rejected(500, R"({"error":{"message":"line\none \u0000)" + std::string(100'000, 'x') + R"("}})");
  CHECK(rejection.detail.starts_with("line one"));
  CHECK(rejection.detail.size() <= 250);
  CHECK(rejected(502, "<html>\n<b>502</b>\xff").detail == "<html> <b>502</b>\xEF\xBF\xBD");
}
