// What tokens cost depends on the time of the day.
#include "core/teacher/prices.h"

#include "cli/until.h"
#include "tests/catch.h"

using namespace retort;

namespace {
constexpr std::int64_t kMinute = 60'000, kHour = 60 * kMinute;
constexpr WallTime kMidnight{1'795'305'600'000};  // 2026-11-22T00:00:00Z
constexpr WallTime at(std::int64_t hour, std::int64_t minute) {
  return {kMidnight.ms + hour * kHour + minute * kMinute};
}
}  // namespace

TEST_CASE("a price window may reach over midnight, and a bound takes the dearest hour") {
  const Prices prices({1.0, 2.0}, {{16 * 60 + 30, 30, {0.5, 1.0}}});
  CHECK(prices.of(1'000'000, 0, 0, at(16, 29)).dollars() == Approx(1.0));
  CHECK(prices.of(1'000'000, 0, 0, at(16, 30)).dollars() == Approx(0.5));
  CHECK(prices.of(1'000'000, 0, 0, at(0, 29)).dollars() == Approx(0.5));
  CHECK(prices.of(0, 1'000'000, 0, at(0, 30)).dollars() == Approx(2.0));
  CHECK(prices.most(1'000'000, 1'000'000).dollars() == Approx(3.0));
}

TEST_CASE("input from the provider's cache has its own price") {
  const Prices prices({1.0, 2.0, 0.1});
  CHECK(prices.of(1'000'000, 0, 400'000, at(12, 0)).dollars() == Approx(0.64));
  CHECK(prices.of(1'000'000, 0, 5'000'000, at(12, 0)).dollars() == Approx(0.1));  // never more than there is
  CHECK(prices.most(1'000'000, 0).dollars() == Approx(1.0));
}

TEST_CASE("--until takes a span, a date, or a time of the day") {
  const WallTime now = at(12, 0);
  CHECK(parse_until("45m", now)->ms == now.ms + 45 * kMinute);
  CHECK(parse_until("2d", now)->ms == now.ms + 48 * kHour);
  CHECK(parse_until("2026-11-22T13:00:00Z", now)->ms == now.ms + kHour);
  const auto later = parse_until("18:30", now);
  REQUIRE(later);
  CHECK(later->ms > now.ms);
  CHECK(later->ms <= now.ms + 25 * kHour);
  for (const char* wrong : {"", "soon", "25:00", "12:60", "12:5", "-3m", "3", "m", "1e9h"})
    CHECK_FALSE(parse_until(wrong, now));
}
