#include "core/base/clock.h"

#include <cstdio>
#include <ctime>

namespace retort {

Instant SystemClock::now() const {
  return {std::chrono::duration_cast<Duration>(std::chrono::steady_clock::now().time_since_epoch()).count()};
}

WallTime SystemClock::wall() const {
  using std::chrono::system_clock;
  return {std::chrono::duration_cast<std::chrono::milliseconds>(system_clock::now().time_since_epoch()).count()};
}

std::string to_iso8601(WallTime at) {
  std::int64_t seconds = at.ms / 1000;
  std::int64_t milliseconds = at.ms % 1000;
  if (milliseconds < 0) {
    milliseconds += 1000;
    --seconds;
  }
  const std::time_t time = static_cast<std::time_t>(seconds);
  std::tm utc{};
  gmtime_r(&time, &utc);
  char text[64];
  const std::size_t length = std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &utc);
  std::snprintf(text + length, sizeof text - length, ".%03dZ", static_cast<int>(milliseconds));
  return text;
}

}  // namespace retort
