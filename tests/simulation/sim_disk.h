// The simulated disk: what survives a power cut, and a log that commits to it in groups after a simulated sync.
#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "core/base/random.h"
#include "core/corpus/corpus.h"

namespace retort::simulation {

/// Durable state: what another process finds after a crash.
struct Disk {
  struct Request {
    std::string digest;
    RequestStatus status = RequestStatus::pending;
    bool truncated = false;
    int attempts_charged = 0;
    int timeouts = 0;
    int begun = 0;    ///< attempts ever put on record
    int answers = 0;  ///< responses stored
    std::string prompt;
    std::string answer;
  };
  struct Attempt {
    RowId request = 0;
    AttemptOutcome outcome = AttemptOutcome::unsent;
  };
  std::vector<Request> requests;           ///< row id - 1
  std::map<std::string, RowId> by_digest;  ///
  std::map<std::string, RowId> by_prompt;  ///< text of the user's message (samples = 1)
  std::vector<Attempt> attempts;           ///< row id - 1
  std::int64_t delivery_unknown = 0;
  std::set<std::string> open;  ///< prompts that were sent and whose outcome is not durable

  /// What opening a corpus does: attempts without an outcome may have been delivered.
  void recover();
  /// Applies one entry; returns its completion, if it has one.
  std::optional<LogEvent> apply(const LogEntry& entry);

 private:
  RequestState look_up(const RequestSpec& spec);
  void end(const AttemptEnd& end);
};

/// Schedules `event` after `delay` of simulated time.
using Schedule = std::function<void(Duration delay, std::function<void()> event)>;

struct SimLogSettings {
  Duration sync_latency = 5ms;
  double full_disk_probability = 0;
  bool begun_before_durable = false;  ///< planted bug
  bool forget_answers = false;        ///< planted bug
};

/// Group commit: what is submitted during one sync is committed by the next.
class SimLog final : public HarvestLog {
 public:
  SimLog(Disk& disk, SimLogSettings settings, Random& random, Schedule schedule, std::function<void()> wake,
         std::function<void()> may_lose_power);
  void submit(LogEntry entry) override;
  std::vector<LogEvent> completions() override;
  void retry() override;
  Result<void> close(const RunEnd& end) override;

 private:
  void start_sync();
  void finish_sync();

  Disk& disk_;
  SimLogSettings settings_;
  Random& random_;
  Schedule schedule_;
  std::function<void()> wake_;
  std::function<void()> may_lose_power_;
  std::vector<LogEntry> queued_, syncing_;
  std::vector<LogEvent> completed_;
  bool sync_runs_ = false;
  bool failed_ = false;
};

}  // namespace retort::simulation
