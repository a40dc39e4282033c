#include "storage/values.h"

#include <chrono>
#include <cmath>
#include <cstdio>

namespace retort {

double dollars_of(Usd cost) { return static_cast<double>(cost.pico) / 1e12; }

Usd usd_of(double dollars) {
  const double pico = dollars * 1e12;
  // A corpus edited by hand may say anything.
  if (!(std::abs(pico) < 9e18)) return {};
  return {std::llround(pico)};
}

std::optional<std::string> json_or_null(const Json& value) {
  if (value.is_null()) return {};
  return dump_json(value);
}

WallTime wall_time_of(std::string_view iso8601) {
  int year, hour, minute, second, ms;
  unsigned month, day;
  const std::string text(iso8601);
  if (std::sscanf(text.c_str(), "%4d-%2u-%2uT%2d:%2d:%2d.%3dZ", &year, &month, &day, &hour, &minute, &second, &ms) != 7)
    return {};
  using namespace std::chrono;
  const year_month_day date{std::chrono::year(year), std::chrono::month(month), std::chrono::day(day)};
  if (!date.ok()) return {};
  const auto since = sys_days(date).time_since_epoch() + hours(hour) + minutes(minute) + std::chrono::seconds(second);
  return {duration_cast<milliseconds>(since).count() + ms};
}

}  // namespace retort
