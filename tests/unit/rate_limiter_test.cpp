// What the limiter learns of a teacher, from announcements, refusals and invoices, and how it then paces.
#include "core/harvest/rate_limiter.h"
#include "tests/catch.h"

using namespace retort;

namespace {

constexpr Instant kStart{1'000'000'000'000};
constexpr Cost kBound{100, 100, {}};

std::optional<Permit> take(RateLimiter& limiter, Instant now, Cost bound = kBound) {
  auto admission = limiter.acquire(bound, now);
  if (auto* permit = std::get_if<Permit>(&admission)) return std::move(*permit);
  return {};
}

Instant next(RateLimiter& limiter, Instant now, Cost bound = kBound) {
  auto admission = limiter.acquire(bound, now);
  if (auto* permit = std::get_if<Permit>(&admission)) {
    limiter.settle(std::move(*permit), {});
    return now;
  }
  return std::get<Instant>(admission);
}

/// How many are sent and answered at once in so long, if each waits as it is told to.
int sent_within(RateLimiter& limiter, Instant from, Duration length) {
  int count = 0;
  for (Instant now = from; now < from + length;) {
    auto admission = limiter.acquire(kBound, now);
    if (auto* permit = std::get_if<Permit>(&admission)) {
      ++count;
      limiter.settle(std::move(*permit), {});
    } else {
      REQUIRE(std::get<Instant>(admission) > now);
      now = std::get<Instant>(admission);
    }
  }
  return count;
}

Limits requests_a_minute(double count) {
  Limits limits;
  limits.requests_per_minute = count;
  limits.in_flight_max = 1000;
  return limits;
}

}  // namespace

TEST_CASE("a configured limit is filled to the last percent and bursts by less than a second's worth") {
  PrivatePace pace;
  RateLimiter limiter(requests_a_minute(600), pace, kStart);
  CHECK(sent_within(limiter, kStart, 1ms) == 7);  // 0.7 s of 10 a second
  const int in_a_minute = sent_within(limiter, kStart + 1ms, 60s);
  CHECK(in_a_minute >= 599);
  CHECK(in_a_minute <= 600);
}

TEST_CASE("after a suspend there is no burst beyond the bucket") {
  PrivatePace pace;
  RateLimiter limiter(requests_a_minute(600), pace, kStart);
  sent_within(limiter, kStart, 1s);
  CHECK(sent_within(limiter, kStart + 24h, 1ms) <= 7);
}

TEST_CASE("silence is kept, and the later wish wins") {
  PrivatePace pace;
  RateLimiter limiter(Limits{}, pace, kStart);
  limiter.hold(kStart + 10s, "asked to");
  limiter.hold(kStart + 5s, "sooner");
  CHECK(next(limiter, kStart) == kStart + 10s);
  CHECK(limiter.hold_reason() == "asked to");
  CHECK(next(limiter, kStart + 10s) == kStart + 10s);
}

TEST_CASE("what remains, as announced, sets the level, whatever we thought") {
  PrivatePace pace;
  RateLimiter limiter(requests_a_minute(600), pace, kStart);
  auto permit = take(limiter, kStart);
  REQUIRE(permit);
  SECTION("a bucket of a whole minute is learned and used") {
    limiter.announced(*permit, {{MeterKind::requests, 600.0, 599.0, 100ms}}, {}, kStart + 100ms);
    CHECK(pace.state().at(MeterKind::requests).capacity == Approx(600));
    CHECK(sent_within(limiter, kStart + 100ms, 1ms) > 400);
  }
  SECTION("somebody else uses the same key: nothing is left") {
    limiter.announced(*permit, {{MeterKind::requests, 600.0, 0.0, 60s}}, {}, kStart + 100ms);
    CHECK(next(limiter, kStart + 100ms) > kStart + 200ms);
  }
  limiter.settle(std::move(*permit), {});
}

TEST_CASE("an unknown limit is learned from what is announced") {
  PrivatePace pace;
  RateLimiter limiter(Limits{}, pace, kStart);
  auto permit = take(limiter, kStart);
  REQUIRE(permit);
  CHECK(limiter.requests_per_second(kStart) == 0);
  // Half of 600 is gone, and will be back in half a minute: ten a second.
  limiter.announced(*permit, {{MeterKind::requests, 600.0, 300.0, 30s}}, {}, kStart);
  CHECK(limiter.requests_per_second(kStart) == Approx(10));
  limiter.settle(std::move(*permit), {});
}

TEST_CASE("a limit may be the size of the bucket, or what a minute gives, whatever the bucket") {
  PrivatePace pace;
  RateLimiter limiter(Limits{}, pace, kStart);
  auto permit = take(limiter, kStart);
  REQUIRE(permit);
  SECTION("the bucket: 50, full again in half a second when half is used") {
    limiter.announced(*permit, {{MeterKind::requests, 50.0, 49.0, 20ms}}, {}, kStart);
    limiter.announced(*permit, {{MeterKind::requests, 50.0, 25.0, 500ms}}, {}, kStart);
    CHECK(limiter.requests_per_second(kStart) == Approx(50));
  }
  SECTION("a minute's: 1,200, in a bucket of 20") {
    limiter.announced(*permit, {{MeterKind::requests, 1200.0, 19.0, 50ms}}, {}, kStart);
    CHECK(limiter.requests_per_second(kStart) == Approx(20));
  }
  limiter.settle(std::move(*permit), {});
}

TEST_CASE("what the teacher takes for a token is learned from what remains") {
  PrivatePace pace;
  Limits limits;
  limits.tokens_per_minute = 600'000;
  RateLimiter limiter(limits, pace, kStart);
  double remaining = 500'000;
  Instant now = kStart;
  for (int i = 0; i < 60; ++i) {
    auto permit = take(limiter, now);
    REQUIRE(permit);
    const double expected = static_cast<double>(kBound.total()) * 0.5;  // of bounds, before any answer
    remaining -= 1.5 * expected;                                        // it counts half as much again
    limiter.announced(*permit, {{MeterKind::tokens, 600'000.0, remaining, {}}}, {}, now);
    limiter.settle(std::move(*permit), {});
    now = now + 1ms;
    remaining += 10;                  // 10,000 a second
    if (i == 0) remaining = 300'000;  // somebody else took some: from here on the bucket is far from its brim
  }
  CHECK(pace.state().at(MeterKind::tokens).charge == Approx(1.5).epsilon(0.05));
}

TEST_CASE("a rate that nobody states is measured between two refusals") {
  PrivatePace pace;
  RateLimiter limiter(Limits{}, pace, kStart);
  const auto refuse = [&](Instant now) {
    auto permit = take(limiter, now);
    REQUIRE(permit);
    limiter.refused(*permit, {}, Rejection::Limit::requests, 100ms, now + 10ms);
    limiter.settle(std::move(*permit), Cost{});
  };
  refuse(kStart);
  Instant now = kStart + 1s;
  for (int i = 0; i < 50; ++i, now = now + 100ms) {  // ten a second are admitted
    auto permit = take(limiter, now);
    REQUIRE(permit);
    limiter.settle(std::move(*permit), Cost{50, 50, {}});
  }
  refuse(now);
  next(limiter, now + 10s);
  CHECK(limiter.requests_per_second(now + 1s) > 7);
  CHECK(limiter.requests_per_second(now + 1s) < 12);
  // Without another refusal it is probed upwards.
  CHECK(limiter.requests_per_second(now + 60s) > 1.5 * limiter.requests_per_second(now + 1s));
}

TEST_CASE("one refusal in many that were under way together cuts once") {
  PrivatePace pace;
  Limits limits;
  limits.in_flight_max = 100;
  RateLimiter limiter(limits, pace, kStart);
  std::vector<Permit> permits;
  while (auto permit = take(limiter, kStart)) permits.push_back(std::move(*permit));
  const int before = limiter.in_flight_limit();
  CHECK(static_cast<int>(permits.size()) == before);
  for (Permit& permit : permits) {
    limiter.refused(permit, {}, Rejection::Limit::unknown, 0s, kStart + 100ms);
    limiter.settle(std::move(permit), Cost{});
  }
  CHECK(limiter.in_flight_limit() >= before * 7 / 10);
  CHECK(limiter.in_flight_limit() < before);
}

TEST_CASE("two processes share what may be in flight, and the later one gets its part") {
  PaceState state{};
  SharedPace first(state, 0), second(state, 1);
  Limits limits;
  limits.in_flight_max = 4;
  RateLimiter one(limits, first, kStart), two(limits, second, kStart);
  std::vector<Permit> held;
  while (auto permit = take(one, kStart)) held.push_back(std::move(*permit));
  CHECK(held.size() == 4);
  CHECK(next(two, kStart) > kStart);  // full: it waits, and says so
  one.settle(std::move(held.back()), {});
  held.pop_back();
  CHECK(next(one, kStart) > kStart);  // the first has more than its share, and lets the other go first
  auto permit = take(two, kStart);
  REQUIRE(permit);
  two.settle(std::move(*permit), {});
  for (Permit& rest : held) one.settle(std::move(rest), {});
}
