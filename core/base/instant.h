// Time as values. Everything that decides takes `now` as an argument; only the edges read a clock,
// so a day of harvesting can be simulated in seconds.
#pragma once

#include <chrono>
#include <compare>
#include <cstdint>
#include <limits>

namespace retort {

using Duration = std::chrono::nanoseconds;
using namespace std::chrono_literals;

/// A point on the monotonic clock: good for pacing and time-outs, meaningless outside this process.
struct Instant {
  std::int64_t ns = 0;

  static constexpr Instant never() { return {std::numeric_limits<std::int64_t>::max()}; }
  constexpr bool is_never() const { return *this == never(); }
  friend constexpr auto operator<=>(Instant, Instant) = default;
};

/// Saturates: `never` plus anything stays `never`.
constexpr Instant operator+(Instant at, Duration by) {
  if (at.is_never() || (by.count() > 0 && at.ns > Instant::never().ns - by.count())) return Instant::never();
  return {at.ns + by.count()};
}
constexpr Instant operator-(Instant at, Duration by) { return at.is_never() ? at : Instant{at.ns - by.count()}; }
constexpr Duration operator-(Instant a, Instant b) { return Duration(a.ns - b.ns); }

/// Civil time, UTC, milliseconds since 1970: for records and HTTP dates, never for pacing.
struct WallTime {
  std::int64_t ms = 0;
  friend constexpr auto operator<=>(WallTime, WallTime) = default;
};

constexpr double seconds(Duration d) { return std::chrono::duration<double>(d).count(); }
/// Clamps instead of overflowing: what a header claims may be absurd.
constexpr Duration from_seconds(double s) {
  constexpr double kMax = 9.2e9;
  if (!(s > 0)) return Duration::zero();
  return std::chrono::duration_cast<Duration>(std::chrono::duration<double>(s < kMax ? s : kMax));
}

}  // namespace retort
