// The policies of a harvest are arithmetic: given this reply at this instant, what next?
#include "core/harvest/rate_signals.h"
#include "core/harvest/retry_policy.h"
#include "tests/catch.h"

using namespace retort;

namespace {

constexpr Instant kStart{1'000'000'000'000};
constexpr WallTime kWall{1'795'363'200'000};  // 2026-11-22T16:00:00Z

HttpHead head(int status, std::vector<HttpHeader> headers = {}) { return {status, std::move(headers)}; }

Verdict verdict_on(Reply reply, RateSignals signals = {}, AttemptHistory history = {}) {
  Random random(1);
  return judge({NetFault::none, {}, true, std::move(reply), signals}, history, {}, random);
}

Verdict verdict_on(NetFault fault, AttemptHistory history = {}) {
  Random random(1);
  return judge({fault, "detail", true, {}, {}}, history, {}, random);
}

Rejection rejection(Rejection::Kind kind) { return {kind, "word", "detail"}; }

}  // namespace

TEST_CASE("waits are read in their order of precedence") {
  const auto wait = [](std::vector<HttpHeader> headers) {
    return read_rate_signals(head(429, std::move(headers)), kWall).retry_after;
  };
  CHECK(wait({{"retry-after", "2"}, {"retry-after-ms", "250"}}) == 250ms);
  CHECK(wait({{"retry-after", "2"}}) == 2s);
  CHECK(wait({{"retry-after", "1.5"}}) == 1500ms);
  CHECK(wait({{"retry-after", "Sun, 22 Nov 2026 16:00:30 GMT"}}) == 30s);
  CHECK_FALSE(wait({{"retry-after", "Sun, 22 Nov 2026 15:00:00 GMT"}}));  // past: a skewed clock, not a wish
  CHECK_FALSE(wait({{"retry-after", "-5"}}));
  CHECK_FALSE(wait({{"retry-after", "0"}}));  // no time is no wish
  CHECK(wait({{"retry-after-ms", "0"}, {"retry-after", "3"}}) == 3s);
  CHECK_FALSE(wait({{"retry-after", "soon"}}));
  CHECK_FALSE(wait({}));
  CHECK(wait({{"retry-after", "99999999999999999999999"}}) > 24h * 365);  // clamped by the policy, never wrapped
  CHECK(wait({{"retry-after-ms", "x"}, {"retry-after", "3"}}) == 3s);
}

TEST_CASE("resets are read in every provider's spelling") {
  CHECK(parse_reset("6m0s") == 6min);
  CHECK(parse_reset("12ms") == 12ms);
  CHECK(parse_reset("2m59.56s") == 2min + 59s + 560ms);
  CHECK(parse_reset("17") == 17s);
  CHECK(parse_reset("1h2m3s") == 1h + 2min + 3s);
  CHECK_FALSE(parse_reset("never"));
  CHECK_FALSE(parse_reset("5x"));
  CHECK_FALSE(parse_reset("s5"));
  CHECK(parse_rfc3339("2026-11-22T16:00:01Z")->ms == kWall.ms + 1000);
  CHECK(parse_rfc3339("2026-11-22T17:00:01.5+01:00")->ms == kWall.ms + 1000);
  CHECK_FALSE(parse_rfc3339("2026-11-22T16:00"));
  CHECK_FALSE(parse_http_date("22 Nov 2026"));

  const auto openai = read_rate_signals(head(200, {{"x-ratelimit-remaining-requests", "0"},
                                                   {"x-ratelimit-reset-requests", "6m0s"},
                                                   {"x-ratelimit-remaining-tokens", "10"},
                                                   {"x-ratelimit-reset-tokens", "7h"}}),
                                        kWall);
  CHECK(openai.reset == 6min);
  REQUIRE(openai.announced.size() == 2);
  CHECK(openai.announced[0].kind == MeterKind::requests_per_day);  // a minute's would be full again within a minute
  CHECK(openai.announced[1].kind == MeterKind::tokens_per_day);
  CHECK(openai.announced[1].remaining == 10.0);
  const auto anthropic =
      read_rate_signals(head(429, {{"anthropic-ratelimit-output-tokens-remaining", "0"},
                                   {"anthropic-ratelimit-output-tokens-reset", "2026-11-22T16:00:20Z"}}),
                        kWall);
  CHECK(anthropic.reset == 20s);
  REQUIRE(anthropic.announced.size() == 1);
  CHECK(anthropic.announced[0].kind == MeterKind::output_tokens);
}

TEST_CASE("an answer is an answer, whatever it says") {
  Response refusal;
  refusal.finish = Finish::refusal;
  CHECK(verdict_on(Answer{{refusal}, {}}).next == Verdict::Next::done);
  Response cut;
  cut.finish = Finish::length;
  CHECK(verdict_on(Answer{{cut}, {}}).next == Verdict::Next::done);
}

TEST_CASE("a rate limit burns no attempt and silences the teacher") {
  RateSignals signals;
  signals.retry_after = 7s;
  const Verdict verdict = verdict_on(rejection(Rejection::Kind::rate_limited), signals);
  CHECK(verdict.next == Verdict::Next::retry);
  CHECK(verdict.outcome == AttemptOutcome::refused);
  CHECK(verdict.hold == Duration(7s));
  signals.retry_after = 1000h;
  CHECK(verdict_on(rejection(Rejection::Kind::rate_limited), signals).hold == Duration(1h));
  const Verdict silent = verdict_on(rejection(Rejection::Kind::rate_limited), {}, {0, 0, 40});
  CHECK(silent.hold >= Duration(100ms));
  CHECK(silent.hold <= Duration(60s));
  CHECK(verdict_on(NetFault::connect, {0, 0, 40}).hold <= Duration(10s));
}

TEST_CASE("a pause of no time, or one that never suffices, becomes one of our own that grows") {
  const auto longest = [](const Rejection& refused, const RateSignals& signals, AttemptHistory history) {
    Random random(5);
    Duration most{};
    for (int i = 0; i < 200; ++i) {
      const Verdict verdict = judge({NetFault::none, "", true, refused, signals}, history, {}, random);
      CHECK(verdict.hold >= Duration(100ms));
      most = std::max(most, verdict.hold.value_or(Duration{}));
    }
    return most;
  };
  RateSignals now;
  now.reset = 0s;
  Rejection at_once = rejection(Rejection::Kind::rate_limited);
  at_once.retry_after = 0s;
  CHECK(longest(at_once, now, {0, 0, 1}) > 1500ms);
  CHECK(longest(at_once, now, {0, 0, 40}) > 50s);
  now.retry_after = 100ms;  // kept twice, and refused again each time
  CHECK(longest(at_once, now, {0, 0, 2}) == Duration(100ms));
  CHECK(longest(at_once, now, {0, 0, 3}) > 6s);
  now.retry_after = 1ms;
  CHECK(longest(rejection(Rejection::Kind::transient), now, {9, 0, 40, true}) > 50s);
}

TEST_CASE("attempts are bounded, and only what was really tried counts") {
  CHECK(verdict_on(rejection(Rejection::Kind::transient), {}, {3, 0, 0}).next == Verdict::Next::retry);
  CHECK(verdict_on(rejection(Rejection::Kind::transient), {}, {4, 0, 0}).next == Verdict::Next::give_up);
  CHECK(verdict_on(rejection(Rejection::Kind::permanent)).next == Verdict::Next::give_up);
  CHECK(verdict_on(NetFault::broken, {4, 0, 0}).next == Verdict::Next::give_up);
  CHECK(verdict_on(NetFault::connect, {100, 0, 0}).next == Verdict::Next::retry);
  CHECK(verdict_on(NetFault::timeout, {0, 0, 0}).next == Verdict::Next::retry);
  CHECK(verdict_on(NetFault::timeout, {1, 1, 0}).next == Verdict::Next::give_up);  // it may have been billed twice
  CHECK(verdict_on(NetFault::timeout).outcome == AttemptOutcome::timed_out);
}

TEST_CASE("quota and authentication stop the teacher, with their own exit") {
  CHECK(verdict_on(rejection(Rejection::Kind::quota)).stop == Errc::quota);
  CHECK(verdict_on(rejection(Rejection::Kind::quota)).next == Verdict::Next::stop_teacher);
  CHECK(verdict_on(rejection(Rejection::Kind::refused_us)).stop == Errc::refused);
}

TEST_CASE("back-off is jittered over its whole range and capped") {
  Random random(7);
  Duration least = 1h, most = 0s;
  for (int i = 0; i < 2000; ++i) {
    const Duration wait = full_jitter({}, 3, random);
    least = std::min(least, wait);
    most = std::max(most, wait);
  }
  CHECK(least < 200ms);
  CHECK(most > 7800ms);
  CHECK(most < 8s);
  CHECK(full_jitter({}, 1000, random) < 60s);
}
