// What a run says of itself while it learns: to the host, to RUN/metrics.jsonl, and to a file for TensorBoard.
#pragma once

#include <fstream>
#include <string>

#include "core/base/clock.h"
#include "core/base/json.h"
#include "core/base/result.h"
#include "core/student/module.h"

namespace retort {

class Metrics {
 public:
  /// `host` and `clock` must outlive it.
  Metrics(const retort_host& host, const Clock& clock, const std::string& run);

  /// A resumed run forgets what was written after its checkpoint, so that the files read as if nothing had happened.
  Result<void> begin(std::int64_t steps_kept);
  /// "step" and "validation" go to TensorBoard too.
  void write(const Json& event);
  void flush();
  /// False once the disk is full: training without a record is still training, but the end says so.
  bool good() const { return lines_.good() && events_.good(); }

 private:
  Result<void> begin_lines(std::int64_t steps_kept);
  Result<void> begin_events(std::int64_t steps_kept);
  double wall_seconds() const;

  const retort_host& host_;
  const Clock& clock_;
  std::string lines_path_, events_path_;
  std::ofstream lines_, events_;
};

/// Bytes of memory this process holds; 0 where the system does not say.
std::int64_t memory_in_use();

}  // namespace retort
