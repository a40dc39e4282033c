#include "core/base/clock.h"

#include <algorithm>
#include <chrono>

namespace retort {

Instant SystemClock::now() const {
  return {std::chrono::duration_cast<Duration>(std::chrono::steady_clock::now().time_since_epoch()).count()};
}

WallTime SystemClock::wall() const {
  using std::chrono::system_clock;
  return {std::chrono::duration_cast<std::chrono::milliseconds>(system_clock::now().time_since_epoch()).count()};
}

std::string to_iso8601(WallTime at) {
  using namespace std::chrono;
  const sys_time<milliseconds> time{milliseconds(at.ms)};
  const auto day = floor<days>(time);
  const year_month_day date(day);
  const hh_mm_ss of_day(time - day);
  // By hand: several are written for each answer, and the library's own take a microsecond.
  std::string text = "0000-00-00T00:00:00.000Z";
  const auto put = [&text](std::size_t end, std::int64_t number, int digits) {
    for (; digits > 0; --digits, number /= 10) text[--end] = static_cast<char>('0' + number % 10);
  };
  put(4, std::clamp(static_cast<int>(date.year()), 0, 9999), 4);
  put(7, static_cast<unsigned>(date.month()), 2);
  put(10, static_cast<unsigned>(date.day()), 2);
  put(13, of_day.hours().count(), 2);
  put(16, of_day.minutes().count(), 2);
  put(19, of_day.seconds().count(), 2);
  put(23, of_day.subseconds().count(), 3);
  return text;
}

}  // namespace retort
