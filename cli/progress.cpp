#include "cli/progress.h"

#include <unistd.h>
#include <algorithm>

#include <cstdio>

#include "cli/command.h"
#include "cli/terminal.h"

namespace retort {
namespace {

constexpr Duration kTerminalInterval = 200ms;
constexpr Duration kPlainInterval = 5s;
constexpr Duration kRateWindow = 5s;

std::string format(const char* pattern, double value) {
  char text[64];
  std::snprintf(text, sizeof text, pattern, value);
  return text;
}

// What is left, if the input is a file whose end is known.
std::optional<double> requests_left(const HarvestStats& stats) {
  if (stats.all_read) return static_cast<double>(stats.unfinished);
  if (!stats.fraction_read || *stats.fraction_read <= 0 || stats.rows == 0) return {};
  const double per_row = static_cast<double>(stats.answered + stats.failed + stats.already_answered +
                                             stats.already_failed + stats.repeated + stats.unfinished) /
                         static_cast<double>(stats.rows);
  const double rows_left = static_cast<double>(stats.rows) * (1 / *stats.fraction_read - 1);
  return static_cast<double>(stats.unfinished) + rows_left * per_row;
}

}  // namespace

std::string short_duration(Duration duration) {
  const auto total = static_cast<std::int64_t>(seconds(duration) + 0.5);
  char text[64];
  if (duration < 10s)
    std::snprintf(text, sizeof text, "%.1fs", seconds(duration));
  else if (total < 60)
    std::snprintf(text, sizeof text, "%llds", static_cast<long long>(total));
  else if (total < 3600)
    std::snprintf(text, sizeof text, "%lldm%02llds", static_cast<long long>(total / 60),
                  static_cast<long long>(total % 60));
  else
    std::snprintf(text, sizeof text, "%lldh%02lldm", static_cast<long long>(total / 3600),
                  static_cast<long long>(total / 60 % 60));
  return text;
}

std::string short_count(std::int64_t number) {
  const auto value = static_cast<double>(number);
  if (number < 10'000) return with_commas(number);
  if (number < 1'000'000) return format("%.1fk", value / 1e3);
  if (number < 1'000'000'000) return format("%.1fM", value / 1e6);
  return format("%.1fG", value / 1e9);
}

std::string progress_line(const HarvestStats& stats, double rate, Duration elapsed, Instant now) {
  std::string line = with_commas(stats.answered) + " answered";
  const auto left = requests_left(stats);
  const std::int64_t settled = stats.answered + stats.failed + stats.already_answered + stats.already_failed;
  if (left && settled + *left > 0) {
    line += " (" + format("%.0f", 100 * static_cast<double>(settled) / (static_cast<double>(settled) + *left)) + " %)";
  }
  if (stats.already_answered > 0) line += ", " + with_commas(stats.already_answered) + " before";
  line += "  " + format("%.1f", rate) + "/s  " + std::to_string(stats.in_flight) + " in flight";
  line += "  tokens " + short_count(stats.used.input) + " in " + short_count(stats.used.output) + " out";
  if (stats.used.money.pico > 0) line += "  " + as_dollars(stats.used.money);
  if (stats.rate_limited > 0) line += "  429s " + with_commas(stats.rate_limited);
  if (stats.retries > 0) line += "  retries " + with_commas(stats.retries);
  if (stats.failed > 0) line += "  failed " + with_commas(stats.failed);
  if (stats.draining) {
    line += "  stopping";
  } else if (stats.held_until > now + 1s) {
    line += "  waiting " + short_duration(stats.held_until - now) + ": " + stats.hold_reason;
  } else if (left && rate > 0) {
    line += "  ETA " + short_duration(from_seconds(*left / rate));
  }
  return line + "  [" + short_duration(elapsed) + "]";
}

void HarvestProgress::sample_rate(const HarvestStats& stats, Instant now) {
  if (rate_since_ == Instant{}) rate_since_ = started_;
  const Duration since = now - rate_since_;
  if (since < 500ms) return;
  rate_ = static_cast<double>(stats.answered - rate_answers_) / seconds(since);
  if (since < kRateWindow) return;
  rate_since_ = now;
  rate_answers_ = stats.answered;
}

Instant HarvestProgress::progress(const HarvestStats& stats, Instant now) {
  if (quiet_) return Instant::never();
  if (next_ == Instant{}) next_ = now + (terminal_ ? kTerminalInterval : kPlainInterval);
  if (now < next_) return next_;
  sample_rate(stats, now);
  const std::string line = progress_line(stats, rate_, now - started_, now);
  if (terminal_) {
    // A line wider than the terminal would wrap, and the next one could not rewrite it.
    std::fprintf(stderr, "\r\033[K%s",
                 line.substr(0, static_cast<std::size_t>(std::max(20, terminal_columns(STDERR_FILENO) - 1))).c_str());
    line_shown_ = true;
  } else {
    say(line);
  }
  next_ = now + (terminal_ ? kTerminalInterval : kPlainInterval);
  return next_;
}

void HarvestProgress::finish() {
  if (std::exchange(line_shown_, false)) std::fputs("\r\033[K", stderr);
}

void HarvestProgress::notice(const std::string& line) {
  finish();
  say(line);
}

std::string summary_text(const HarvestStats& stats, Duration elapsed) {
  std::string text = with_commas(stats.answered) + " answered";
  if (stats.truncated > 0) text += " (" + with_commas(stats.truncated) + " cut at the token limit)";
  if (stats.refusals > 0) text += " (" + with_commas(stats.refusals) + " declined by the model)";
  if (stats.already_answered > 0) text += ", " + with_commas(stats.already_answered) + " answered before";
  if (stats.repeated > 0) text += ", " + with_commas(stats.repeated) + " asked by an equal row";
  const std::int64_t failed = stats.failed + stats.already_failed;
  if (failed > 0) text += ", " + with_commas(failed) + " failed";
  if (stats.unfinished > 0) text += ", " + with_commas(stats.unfinished) + " pending";
  text += " in " + short_duration(elapsed) + "\n";
  text += "tokens: " + with_commas(stats.used.input) + " in, " + with_commas(stats.used.output) + " out; cost " +
          as_dollars(stats.used.money) + "; attempts " + with_commas(stats.attempts) + " (" +
          with_commas(stats.retries) + " retries, " + with_commas(stats.rate_limited) + " refused with 429";
  if (stats.possibly_billed > 0)
    text += ", " + with_commas(stats.possibly_billed) + " without an answer and possibly billed";
  text += ")";
  for (const auto& [word, count] : stats.failures) text += "\nfailed: " + with_commas(count) + " × " + word;
  if (!stats.failures.empty()) text += "\nlast failure: " + stats.last_failure;
  return text;
}

Json summary_json(const HarvestStats& stats, Duration elapsed) {
  Json failures = Json::object();
  for (const auto& [word, count] : stats.failures) failures[word] = count;
  return {{"rows", stats.rows},
          {"bad_rows", stats.bad_rows},
          {"answered", stats.answered},
          {"truncated", stats.truncated},
          {"declined", stats.refusals},
          {"already_answered", stats.already_answered},
          {"repeated", stats.repeated},
          {"failed", stats.failed},
          {"already_failed", stats.already_failed},
          {"pending", stats.unfinished},
          {"attempts", stats.attempts},
          {"retries", stats.retries},
          {"rate_limited", stats.rate_limited},
          {"possibly_billed", stats.possibly_billed},
          {"input_tokens", stats.used.input},
          {"output_tokens", stats.used.output},
          {"cost_usd", stats.used.money.dollars()},
          {"failures", failures},
          {"seconds", seconds(elapsed)}};
}

}  // namespace retort
