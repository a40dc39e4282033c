#include "cli/until.h"

#include <ctime>

#include <charconv>

#include "core/harvest/rate_signals.h"

namespace retort {
namespace {

std::optional<int> number(std::string_view text) {
  int value = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (problem != std::errc() || end != text.data() + text.size() || value < 0) return {};
  return value;
}

std::optional<WallTime> time_of_day(const std::string& text, WallTime now) {
  const std::size_t colon = text.find(':');
  if (colon == std::string::npos) return {};
  const auto hour = number(std::string_view(text).substr(0, colon));
  const auto minute = number(std::string_view(text).substr(colon + 1));
  if (!hour || !minute || *hour > 23 || *minute > 59 || text.size() - colon != 3) return {};
  const auto seconds_now = static_cast<std::time_t>(now.ms / 1000);
  std::tm local{};
  localtime_r(&seconds_now, &local);
  local.tm_hour = *hour;
  local.tm_min = *minute;
  local.tm_sec = 0;
  local.tm_isdst = -1;
  std::time_t then = std::mktime(&local);
  if (then <= seconds_now) {
    ++local.tm_mday;
    local.tm_isdst = -1;
    then = std::mktime(&local);
  }
  return WallTime{static_cast<std::int64_t>(then) * 1000};
}

std::optional<WallTime> span_from(const std::string& text, WallTime now) {
  if (text.size() < 2) return {};
  const auto count = number(std::string_view(text).substr(0, text.size() - 1));
  const char unit = text.back();
  const std::int64_t ms = unit == 's'   ? 1000
                          : unit == 'm' ? 60'000
                          : unit == 'h' ? 3'600'000
                          : unit == 'd' ? 86'400'000
                                        : 0;
  if (!count || *count > 1'000'000 || ms == 0) return {};
  return WallTime{now.ms + *count * ms};
}

}  // namespace

std::optional<WallTime> parse_until(const std::string& text, WallTime now) {
  if (const auto date = parse_rfc3339(text)) return date;
  if (const auto later = span_from(text, now)) return later;
  return time_of_day(text, now);
}

}  // namespace retort
