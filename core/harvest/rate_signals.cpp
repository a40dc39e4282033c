#include "core/harvest/rate_signals.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdlib>
#include <string>

#include "core/base/text.h"

namespace retort {
namespace {

std::optional<double> parse_number(std::string_view text) {
  text = trimmed(text);
  if (text.empty() || text.size() > 32) return {};
  double value = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value, std::chars_format::fixed);
  // A number too large for a double is still a number: it is clamped by whoever uses it.
  if (problem == std::errc::result_out_of_range) return 1e300;
  if (problem != std::errc() || end != text.data() + text.size()) return {};
  return value;
}

std::optional<Duration> not_negative(std::optional<double> value, double unit_seconds) {
  if (!value || !(*value >= 0)) return {};
  return from_seconds(*value * unit_seconds);
}

// Days since 1970-01-01 of a civil date (H. Hinnant, "chrono-Compatible Low-Level Date Algorithms").
std::int64_t days_from_civil(std::int64_t year, int month, int day) {
  year -= month <= 2;
  const std::int64_t era = (year >= 0 ? year : year - 399) / 400;
  const std::int64_t year_of_era = year - era * 400;
  const std::int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
  return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719468;
}

// Reads exactly `digits` digits at `at`, which moves on.
std::optional<int> fixed_digits(std::string_view text, std::size_t& at, std::size_t digits) {
  if (at + digits > text.size()) return {};
  int value = 0;
  for (std::size_t i = 0; i < digits; ++i, ++at) {
    if (text[at] < '0' || text[at] > '9') return {};
    value = value * 10 + (text[at] - '0');
  }
  return value;
}

bool literal(std::string_view text, std::size_t& at, std::string_view expected) {
  if (text.substr(at, expected.size()) != expected) return false;
  at += expected.size();
  return true;
}

std::optional<WallTime> civil_time(int year, int month, int day, int hour, int minute, int second) {
  if (month < 1 || month > 12 || day < 1 || day > 31 || hour > 23 || minute > 59 || second > 60) return {};
  return WallTime{(((days_from_civil(year, month, day) * 24 + hour) * 60 + minute) * 60 + second) * 1000};
}

// Clamped: a date may name any year.
Duration until(WallTime date, WallTime wall) { return from_seconds(static_cast<double>(date.ms - wall.ms) / 1e3); }

std::optional<Duration> read_retry_after(const HttpHead& head, WallTime wall) {
  if (const auto text = head.find("retry-after-ms")) {
    if (const auto wait = not_negative(parse_number(*text), 1e-3); wait > Duration::zero()) return wait;
  }
  const auto text = head.find("retry-after");
  if (!text) return {};
  if (const auto wait = not_negative(parse_number(*text), 1); wait > Duration::zero()) return wait;
  const auto date = parse_http_date(trimmed(*text));
  if (date && *date > wall) return until(*date, wall);
  return {};
}

}  // namespace

std::optional<Duration> parse_reset(std::string_view text) {
  text = trimmed(text);
  if (const auto plain = parse_number(text)) return not_negative(plain, 1);
  double total = 0;
  while (!text.empty()) {
    const std::size_t digits = text.find_first_not_of("0123456789.");
    if (digits == 0 || digits == std::string_view::npos) return {};
    const auto value = parse_number(text.substr(0, digits));
    if (!value) return {};
    text.remove_prefix(digits);
    const std::size_t unit_end = std::min(text.find_first_of("0123456789."), text.size());
    const std::string_view unit = text.substr(0, unit_end);
    text.remove_prefix(unit_end);
    const double scale = unit == "h"    ? 3600
                         : unit == "m"  ? 60
                         : unit == "s"  ? 1
                         : unit == "ms" ? 1e-3
                         : unit == "d"  ? 86400
                                        : -1;
    if (scale < 0) return {};
    total += *value * scale;
  }
  return from_seconds(total);
}

std::optional<WallTime> parse_http_date(std::string_view text) {
  constexpr std::array<std::string_view, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                        "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const std::size_t comma = text.find(", ");
  if (comma == std::string_view::npos) return {};
  std::size_t at = comma + 2;
  const auto day = fixed_digits(text, at, 2);
  if (!day || !literal(text, at, " ")) return {};
  const auto month = std::find(kMonths.begin(), kMonths.end(), text.substr(at, 3));
  if (month == kMonths.end()) return {};
  at += 3;
  if (!literal(text, at, " ")) return {};
  const auto year = fixed_digits(text, at, 4);
  if (!year || !literal(text, at, " ")) return {};
  const auto hour = fixed_digits(text, at, 2);
  if (!hour || !literal(text, at, ":")) return {};
  const auto minute = fixed_digits(text, at, 2);
  if (!minute || !literal(text, at, ":")) return {};
  const auto second = fixed_digits(text, at, 2);
  if (!second || text.substr(at) != " GMT") return {};
  return civil_time(*year, static_cast<int>(month - kMonths.begin()) + 1, *day, *hour, *minute, *second);
}

std::optional<WallTime> parse_rfc3339(std::string_view text) {
  std::size_t at = 0;
  const auto year = fixed_digits(text, at, 4);
  if (!year || !literal(text, at, "-")) return {};
  const auto month = fixed_digits(text, at, 2);
  if (!month || !literal(text, at, "-")) return {};
  const auto day = fixed_digits(text, at, 2);
  if (!day || at >= text.size() || (text[at] != 'T' && text[at] != 't' && text[at] != ' ')) return {};
  ++at;
  const auto hour = fixed_digits(text, at, 2);
  if (!hour || !literal(text, at, ":")) return {};
  const auto minute = fixed_digits(text, at, 2);
  if (!minute || !literal(text, at, ":")) return {};
  const auto second = fixed_digits(text, at, 2);
  if (!second) return {};
  if (at < text.size() && text[at] == '.') at = std::min(text.find_first_not_of("0123456789", at + 1), text.size());
  auto time = civil_time(*year, *month, *day, *hour, *minute, *second);
  if (!time || text.substr(at) == "Z" || text.substr(at) == "z") return time;
  if (at >= text.size() || (text[at] != '+' && text[at] != '-')) return {};
  const int sign = text[at] == '+' ? 1 : -1;
  ++at;
  const auto offset_hours = fixed_digits(text, at, 2);
  if (!offset_hours || !literal(text, at, ":")) return {};
  const auto offset_minutes = fixed_digits(text, at, 2);
  if (!offset_minutes || at != text.size()) return {};
  time->ms -= sign * (*offset_hours * 60 + *offset_minutes) * 60'000LL;
  return time;
}

namespace {

struct HeaderName {
  enum class Field { limit, remaining, reset } field = Field::limit;
  MeterKind kind = MeterKind::requests;
  bool by_day = false;  ///< the name says so
};

// x-ratelimit-remaining-requests, anthropic-ratelimit-input-tokens-remaining, x-ratelimit-limit-tokens-minute,
// x-ratelimit-remaining-req-minute, x-ratelimit-reset, …
std::optional<HeaderName> read_name(std::string_view name) {
  const std::size_t family = name.find("ratelimit-");
  if (family == std::string_view::npos) return {};
  name.remove_prefix(family + std::string_view("ratelimit-").size());
  HeaderName read;
  bool has_field = false, tokens = false, input = false, output = false;
  while (!name.empty()) {
    const std::size_t end = std::min(name.find('-'), name.size());
    const std::string_view word = name.substr(0, end);
    name.remove_prefix(std::min(end + 1, name.size()));
    if (word == "limit" || word == "remaining" || word == "reset") {
      has_field = true;
      read.field = word == "limit"       ? HeaderName::Field::limit
                   : word == "remaining" ? HeaderName::Field::remaining
                                         : HeaderName::Field::reset;
    } else if (word == "tokens") {
      tokens = true;
    } else if (word == "input") {
      input = true;
    } else if (word == "output") {
      output = true;
    } else if (word == "day") {
      read.by_day = true;
    } else if (word != "requests" && word != "req" && word != "minute") {
      return {};  // a meter that we know nothing of, such as images or the cost of this query
    }
  }
  if (!has_field) return {};
  read.kind = input    ? MeterKind::input_tokens
              : output ? MeterKind::output_tokens
              : tokens ? MeterKind::tokens
                       : MeterKind::requests;
  return read;
}

// "6m0s", "17", a date, or an epoch in seconds or milliseconds.
std::optional<Duration> read_reset(std::string_view text, WallTime wall) {
  text = trimmed(text);
  if (const auto date = parse_rfc3339(text)) return *date > wall ? until(*date, wall) : Duration::zero();
  constexpr double kEpoch = 1e9, kEpochMs = 1e12;
  if (const auto number = parse_number(text); number && *number > kEpoch) {
    const double ms = *number > kEpochMs ? *number : *number * 1e3;
    if (ms > 1e15) return {};
    return ms > static_cast<double>(wall.ms) ? until({static_cast<std::int64_t>(ms)}, wall) : Duration::zero();
  }
  return parse_reset(text);
}

}  // namespace

RateSignals read_rate_signals(const HttpHead& head, WallTime wall) {
  // A minute's allowance is full again within a minute: what takes longer is a day's, whatever its name.
  constexpr Duration kLongestMinute = 120s;
  constexpr Duration kLongestReset = 48h;
  RateSignals signals;
  signals.retry_after = read_retry_after(head, wall);
  struct Seen {
    Announcement announcement;
    bool by_day = false, present = false;
  };
  std::array<Seen, kMeters> seen;
  for (const auto& [name, value] : head.headers) {
    const auto read = read_name(name);
    if (!read) continue;
    Seen& one = seen[static_cast<std::size_t>(read->kind)];
    one.present = true;
    one.by_day |= read->by_day;
    one.announcement.kind = read->kind;
    if (read->field == HeaderName::Field::reset) {
      one.announcement.reset = read_reset(value, wall);
    } else if (const auto number = parse_number(value); number && *number >= 0 && *number < 1e15) {
      (read->field == HeaderName::Field::limit ? one.announcement.limit : one.announcement.remaining) = number;
    }
  }
  for (Seen& one : seen) {
    if (!one.present) continue;
    Announcement& news = one.announcement;
    if (news.reset && *news.reset > kLongestReset) news.reset.reset();
    if (one.by_day || (news.reset && *news.reset > kLongestMinute)) {
      if (news.kind == MeterKind::requests) news.kind = MeterKind::requests_per_day;
      if (news.kind == MeterKind::tokens) news.kind = MeterKind::tokens_per_day;
    }
    if (news.remaining && *news.remaining <= 0 && news.reset)
      signals.reset = std::max(signals.reset.value_or(Duration::zero()), *news.reset);
    signals.announced.push_back(news);
  }
  return signals;
}

}  // namespace retort
