// What a person sees while a student learns.
#pragma once

#include <string>

#include "core/base/clock.h"
#include "core/base/json.h"

namespace retort {

/// One line that rewrites itself on a terminal, a line every few seconds otherwise; validation losses stand by
/// themselves.
class TrainProgress {
 public:
  /// `terminal`: stderr is one.
  TrainProgress(const Clock& clock, bool terminal) : clock_(clock), terminal_(terminal) {}

  void show(const Json& event);
  /// Leaves the terminal's line empty for what comes next.
  void finish();

  /// Of the last such events, for the summary.
  const Json& begun() const { return begun_; }
  const Json& last_step() const { return step_; }
  const Json& last_validation() const { return validation_; }

 private:
  void tell(const std::string& line);

  const Clock& clock_;
  bool terminal_;
  bool line_shown_ = false;
  Instant next_;
  Json begun_ = Json::object(), step_ = Json::object(), validation_ = Json::object();
  double tokens_ = 0;
};

}  // namespace retort
