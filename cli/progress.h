// What a person sees while a harvest runs: one line that rewrites itself on a terminal, a line every few seconds
// otherwise.
#pragma once

#include <string>

#include "core/harvest/harvester.h"

namespace retort {

class HarvestProgress final : public HarvestObserver {
 public:
  /// `terminal`: stderr is one, and can be rewritten.
  HarvestProgress(Instant started, bool terminal, bool quiet) : started_(started), terminal_(terminal), quiet_(quiet) {}

  Instant progress(const HarvestStats& stats, Instant now) override;
  void notice(const std::string& line) override;
  /// Leaves the terminal's line empty for what comes next.
  void finish();

 private:
  void sample_rate(const HarvestStats& stats, Instant now);

  Instant started_;
  bool terminal_;
  bool quiet_;
  Instant next_;
  // Answers of the last seconds, for a rate that follows what happens.
  Instant rate_since_;
  std::int64_t rate_answers_ = 0;
  double rate_ = 0;
  bool line_shown_ = false;
};

/// The state of a harvest in one line. Pure. `rate` in answers a second.
std::string progress_line(const HarvestStats& stats, double rate, Duration elapsed, Instant now);
/// The lines printed at the end.
std::string summary_text(const HarvestStats& stats, Duration elapsed);
Json summary_json(const HarvestStats& stats, Duration elapsed);

/// "1h02m", "2.4M": for people.
std::string short_duration(Duration duration);
std::string short_count(std::int64_t number);

}  // namespace retort
