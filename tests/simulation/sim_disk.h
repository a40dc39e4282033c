// The simulated disk: what survives a power cut, and a log that commits to it in groups after a simulated sync.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/base/random.h"
#include "core/corpus/corpus.h"
#include "tests/simulation/audit.h"

namespace retort::simulation {

/// Durable state: what another process finds after a crash.
class Disk {
 public:
  struct Request {
    std::int64_t prompt = 0;
    RequestStatus status = RequestStatus::pending;
    bool truncated = false;
    int attempts_charged = 0;
    int timeouts = 0;
    int answers = 0;  ///< responses stored
    std::string answer;
  };
  struct Attempt {
    RowId request = 0;
    AttemptOutcome outcome = AttemptOutcome::unsent;
    Cost reserved;
  };

  explicit Disk(Audit& audit) : audit_(audit) {}

  /// What opening a corpus does: attempts without an outcome may have been delivered.
  void recover();
  /// Applies one entry for good; returns its completion, if it has one.
  std::optional<LogEvent> apply(LogEntry& entry);

  const std::vector<Request>& requests() const { return requests_; }  ///< row id - 1
  const std::vector<Attempt>& attempts() const { return attempts_; }  ///< row id - 1
  Spent spent() const { return spent_; }
  bool locked = false;  ///< by a living process

 private:
  RequestState look_up(const RequestSpec& spec);
  void end(AttemptEnd& end);
  void count_unanswered(const Attempt& attempt);

  Audit& audit_;
  std::vector<Request> requests_;
  std::vector<Attempt> attempts_;
  std::unordered_map<std::string, RowId> by_digest_;
  std::size_t recovered_ = 0;  // attempts before have an outcome
  Spent spent_;
};

struct DiskSettings {
  Duration sync_latency = 5ms;  ///< and up to twice as long
  double full = 0;              ///< probability that a commit finds the disk full
  Duration full_for = 2s;       ///< until somebody makes space, uniform up to this
  double failing = 0;           ///< probability that a sync fails: what it should have stored may be there or not
};

/// Group commit: what is submitted during one sync is committed by the next. The owner calls finish_sync() when the
/// sync it was asked for is over.
class SimLog : public HarvestLog {
 public:
  /// What the log wants of the process it runs in.
  class Host {
   public:
    virtual void start_sync(Duration duration) = 0;
    virtual void log_has_news() = 0;
    virtual Instant log_now() const = 0;

   protected:
    ~Host() = default;
  };

  SimLog(Disk& disk, DiskSettings settings, Random& random, Host& host)
      : disk_(disk), settings_(settings), random_(random), host_(host) {}

  void submit(LogEntry entry) override;
  std::vector<LogEvent> completions() override;
  void retry() override;
  Result<void> close(const RunEnd& end) override;

  void finish_sync();
  /// The process dies: a commit under way becomes durable as a whole, or not at all.
  void crash();

  /// Somebody tried again after a failed sync, as if that could have worked.
  bool retried_in_vain() const { return retried_in_vain_; }

 private:
  void start_sync();
  void fail(bool retryable);
  void commit();

  Disk& disk_;
  DiskSettings settings_;
  Random& random_;
  Host& host_;
  std::vector<LogEntry> queued_, syncing_;
  std::vector<LogEvent> completed_;
  bool sync_runs_ = false, failed_ = false, dead_ = false, retried_in_vain_ = false;
  Instant full_until_;
};

}  // namespace retort::simulation
