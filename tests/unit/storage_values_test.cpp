// Times and sums of money, to SQL and back.
#include "storage/values.h"

#include <limits>

#include "core/base/clock.h"
#include "core/base/random.h"
#include "core/corpus/words.h"
#include "tests/catch.h"

namespace retort {

TEST_CASE("dollars are exact to the picodollar", "[unit]") {
  Random random(3);
  for (const std::int64_t edge : {0, 1, 999'999'999}) CHECK(usd_of(dollars_of({edge})).pico == edge);
  for (int i = 0; i < 10'000; ++i) {
    const Usd cost{random.between(0, 2'000'000'000'000'000)};
    if (usd_of(dollars_of(cost)) != cost) FAIL(cost.pico);
  }
  CHECK(dollars_of({2'190'000}) == 2.19e-6);
  CHECK(usd_of(1e300).pico == 0);
  CHECK(usd_of(std::numeric_limits<double>::quiet_NaN()).pico == 0);
}

TEST_CASE("times are read as they are written", "[unit]") {
  Random random(4);
  for (int i = 0; i < 10'000; ++i) {
    const WallTime at{random.between(0, 4'102'444'800'000)};
    if (wall_time_of(to_iso8601(at)) != at) FAIL(at.ms);
  }
  CHECK(wall_time_of("2026-11-22T16:07:46.123Z").ms == 1795363666123);
  for (const char* wrong : {"", "yesterday", "2026-02-30T00:00:00.000Z", "2026-11-22"})
    CHECK(wall_time_of(wrong).ms == 0);
}

TEST_CASE("null is NULL, and JSON is text", "[unit]") {
  CHECK_FALSE(json_or_null(nullptr).has_value());
  CHECK(json_or_null(Json::object()) == "{}");
}

TEST_CASE("every word is read back as what it was", "[unit]") {
  for (const RequestStatus status : {RequestStatus::pending, RequestStatus::answered, RequestStatus::failed})
    CHECK(request_status_of(word(status)) == status);
  for (const Finish finish : {Finish::stop, Finish::length, Finish::content_filter, Finish::refusal, Finish::tool_calls,
                              Finish::error, Finish::other})
    CHECK(finish_of(word(finish)) == finish);
  CHECK(word(AttemptOutcome::delivery_unknown) == "delivery_unknown");
  CHECK(word(AttemptOutcome::timed_out) == "timed_out");
  CHECK(finish_of("nonsense") == Finish::other);
  CHECK(request_status_of("nonsense") == RequestStatus::pending);
  CHECK(is_charged(AttemptOutcome::network));
  CHECK_FALSE(is_charged(AttemptOutcome::delivery_unknown));
  CHECK_FALSE(is_charged(AttemptOutcome::refused));
}

}  // namespace retort
