// The writer behind a running harvest. One thread commits whatever queued up while the last commit waited for the
// disk: each sync pays for all of them, so durability costs little, and the event loop never waits.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "core/base/clock.h"
#include "core/corpus/corpus.h"
#include "storage/connection.h"
#include "storage/entry_writer.h"
#include "storage/harvest_lock.h"

namespace retort {

class SqliteHarvestLog final : public HarvestLog {
 public:
  SqliteHarvestLog(HarvestLock lock, std::unique_ptr<Connection> connection, const Clock& clock,
                   const TeacherIdentity& teacher, HarvestIds ids, std::function<void()> wake);
  ~SqliteHarvestLog() override;

  void submit(LogEntry entry) override;
  std::vector<LogEvent> completions() override;
  void retry() override;
  Result<void> close(const RunEnd& end) override;

 private:
  enum class State {
    open,    ///< commits what comes
    held,    ///< a curable failure: keeps everything until retry()
    dead,    ///< an incurable one: ignores everything
    closed,  ///< by close(): ends when the queue is empty, or on any failure
    dropped  ///< by the destructor: ends now
  };
  struct Queued {
    LogEntry entry;
    std::size_t bytes;
  };
  using Queue = std::deque<Queued>;

  void work();
  Result<void> commit_once(const Queue& batch, std::vector<LogEvent>& events);
  Result<void> commit(const Queue& batch, std::vector<LogEvent>& events);
  Result<void> checkpoint_if_long();
  bool give_up_waiting(Instant since);
  static void give_back(Queue& batch, std::vector<LogEvent>& events);
  void publish(std::vector<LogEvent> events);
  void hold_or_die(const Error& error, Queue batch);
  void stop(State state);

  HarvestLock lock_;
  std::unique_ptr<Connection> connection_;
  const Clock& clock_;
  EntryWriter writer_;
  const RowId run_;
  const std::function<void()> wake_;

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  State state_ = State::open;
  Queue queue_;
  std::vector<LogEvent> completions_;
  std::optional<Error> failure_;  ///< the last one that was published, until retried

  Trouble trouble_ = Trouble::none;  ///< of the last failed commit; the writer's own
  std::thread thread_;               ///< last: starts when all the rest is there
};

}  // namespace retort
