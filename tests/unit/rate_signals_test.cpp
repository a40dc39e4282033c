// What each provider's headers announce, in its own spelling.
#include "core/harvest/rate_signals.h"

#include <string>
#include <vector>

#include "tests/catch.h"

using namespace retort;

namespace {

constexpr WallTime kWall{1'795'392'000'000};  // 2026-11-23T00:00:00Z

RateSignals signals(std::vector<HttpHeader> headers) {
  HttpHead head;
  head.status = 200;
  head.headers = std::move(headers);
  return read_rate_signals(head, kWall);
}

/// "requests per minute 9 of 10 in 6s; …", in the order of the meters.
std::string announced(std::vector<HttpHeader> headers) {
  std::string text;
  for (const Announcement& news : signals(std::move(headers)).announced) {
    if (!text.empty()) text += "; ";
    text += word(news.kind);
    if (news.remaining) text += " " + std::to_string(static_cast<std::int64_t>(*news.remaining));
    if (news.limit) text += " of " + std::to_string(static_cast<std::int64_t>(*news.limit));
    if (news.reset)
      text +=
          " in " + std::to_string(std::chrono::duration_cast<std::chrono::milliseconds>(*news.reset).count()) + " ms";
  }
  return text;
}

}  // namespace

TEST_CASE("each provider's headers are read in its own spelling") {
  SECTION("OpenAI") {
    CHECK(announced({{"x-ratelimit-limit-requests", "5000"},
                     {"x-ratelimit-remaining-requests", "4999"},
                     {"x-ratelimit-reset-requests", "12ms"},
                     {"x-ratelimit-limit-tokens", "160000"},
                     {"x-ratelimit-remaining-tokens", "159976"},
                     {"x-ratelimit-reset-tokens", "1m30s"}}) ==
          "requests per minute 4999 of 5000 in 12 ms; tokens per minute 159976 of 160000 in 90000 ms");
  }
  SECTION("Anthropic: times as dates, input and output apart") {
    CHECK(announced({{"anthropic-ratelimit-requests-limit", "50"},
                     {"anthropic-ratelimit-requests-remaining", "49"},
                     {"anthropic-ratelimit-requests-reset", "2026-11-23T00:00:01Z"},
                     {"anthropic-ratelimit-input-tokens-limit", "50000"},
                     {"anthropic-ratelimit-input-tokens-remaining", "49000"},
                     {"anthropic-ratelimit-input-tokens-reset", "2026-11-23T01:00:02+01:00"},
                     {"anthropic-ratelimit-output-tokens-limit", "10000"},
                     {"anthropic-ratelimit-output-tokens-remaining", "9000"},
                     {"anthropic-ratelimit-output-tokens-reset", "2026-11-22T23:59:59Z"}}) ==
          "requests per minute 49 of 50 in 1000 ms; input tokens per minute 49000 of 50000 in 2000 ms; "
          "output tokens per minute 9000 of 10000 in 0 ms");
  }
  SECTION("Groq: its requests are a day's, whatever their name") {
    CHECK(announced({{"x-ratelimit-limit-requests", "14400"},
                     {"x-ratelimit-remaining-requests", "14370"},
                     {"x-ratelimit-reset-requests", "2m59.56s"},
                     {"x-ratelimit-limit-tokens", "18000"},
                     {"x-ratelimit-remaining-tokens", "17997"},
                     {"x-ratelimit-reset-tokens", "7.66s"}}) ==
          "requests per day 14370 of 14400 in 179560 ms; tokens per minute 17997 of 18000 in 7660 ms");
  }
  SECTION("Together: one limit without a name is that of requests") {
    CHECK(announced({{"x-ratelimit-limit", "60"}, {"x-ratelimit-remaining", "59"}, {"x-ratelimit-reset", "1"}}) ==
          "requests per minute 59 of 60 in 1000 ms");
  }
  SECTION("Mistral: the minute in the name, and the cost of a query is no limit") {
    CHECK(announced({{"x-ratelimit-limit-tokens-minute", "500000"},
                     {"x-ratelimit-remaining-tokens-minute", "499000"},
                     {"x-ratelimit-limit-req-minute", "60"},
                     {"x-ratelimit-remaining-req-minute", "59"},
                     {"x-ratelimit-tokens-query-cost", "1000"}}) ==
          "requests per minute 59 of 60; tokens per minute 499000 of 500000");
  }
  SECTION("Azure: whole seconds, and -1 where it does not know") {
    CHECK(announced({{"x-ratelimit-remaining-requests", "-1"},
                     {"x-ratelimit-limit-tokens", "1000"},
                     {"x-ratelimit-remaining-tokens", "998"},
                     {"x-ratelimit-reset-tokens", "0"}}) ==
          "requests per minute; tokens per minute 998 of 1000 in 0 ms");
  }
  SECTION("OpenRouter: an epoch, in milliseconds or in seconds") {
    CHECK(announced(
              {{"x-ratelimit-limit", "20"}, {"x-ratelimit-remaining", "0"}, {"x-ratelimit-reset", "1795392030000"}}) ==
          "requests per minute 0 of 20 in 30000 ms");
    CHECK(announced({{"x-ratelimit-reset", "1795392030"}}) == "requests per minute in 30000 ms");
  }
  SECTION("what is used up says how long to wait") {
    CHECK(signals({{"x-ratelimit-remaining-requests", "0"},
                   {"x-ratelimit-reset-requests", "6m0s"},
                   {"x-ratelimit-remaining-tokens", "5"},
                   {"x-ratelimit-reset-tokens", "9m0s"}})
              .reset == Duration(360s));
    CHECK_FALSE(signals({{"x-ratelimit-remaining-requests", "1"}, {"x-ratelimit-reset-requests", "6m0s"}}).reset);
  }
  SECTION("what is no number, and meters that nobody knows, say nothing") {
    CHECK(
        announced({{"x-ratelimit-limit-images", "5"}, {"x-ratelimit-remaining", ""}, {"x-ratelimit-reset", "soon"}}) ==
        "requests per minute");
  }
}
