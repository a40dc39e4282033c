#include "storage/harvest_log.h"

#include <utility>

#include "storage/runs.h"

namespace retort {
namespace {

// A commit holds at most so much, so that completions flow and a rollback stays cheap.
constexpr std::size_t kBatchEntriesMax = 1000;
constexpr std::size_t kBatchBytesMax = 8 << 20;

// Another program's transaction (a shell left open) is waited for this long before anybody is told.
constexpr Duration kLockPatience = 60s;

// SQLite's own wait for a lock. Short, because a destructor must not wait longer for the writer.
constexpr Duration kBusyTimeout = 250ms;

// Some 16 MiB of WAL: what a reader must search, and what a crash leaves to recover, stays small. A quarter of it is
// moved when nobody waits for a commit: the shorter a checkpoint, the fewer answers wait for its end.
constexpr int kWalPagesMax = 4000;
constexpr int kWalPagesWhenIdle = 1000;

}  // namespace

SqliteHarvestLog::SqliteHarvestLog(HarvestLock lock, std::unique_ptr<Connection> connection, const Clock& clock,
                                   const TeacherIdentity& teacher, HarvestIds ids, std::function<void()> wake)
    : lock_(std::move(lock)),
      connection_(std::move(connection)),
      clock_(clock),
      writer_(*connection_, clock, teacher, ids),
      run_(ids.run),
      wake_(std::move(wake)) {
  connection_->set_busy_timeout(kBusyTimeout);
  connection_->checkpoint_by_hand();
  // The writer refers to rows that it has just made or found itself: looking each up again, a dozen for each answer,
  // would find nothing. What other hands break, `retort fsck` tells. Off is never refused outside a transaction.
  (void)connection_->script("PRAGMA foreign_keys = OFF;");
  thread_ = std::thread([this] { work(); });
}

SqliteHarvestLog::~SqliteHarvestLog() {
  if (!thread_.joinable()) return;
  stop(State::dropped);
  connection_->leave_wal_on_close();
}

void SqliteHarvestLog::stop(State state) {
  {
    std::lock_guard guard(mutex_);
    if (state_ != State::dead) state_ = state;
  }
  changed_.notify_all();
  thread_.join();
}

void SqliteHarvestLog::submit(LogEntry entry) {
  bool idle = false;
  {
    std::lock_guard guard(mutex_);
    if (state_ != State::open && state_ != State::held) return;
    const std::size_t bytes = bytes_of(entry);
    idle = queue_.empty();
    queue_.push_back({std::move(entry), bytes});
  }
  // A writer at work looks for more by itself.
  if (idle) changed_.notify_all();
}

std::vector<LogEvent> SqliteHarvestLog::completions() {
  std::lock_guard guard(mutex_);
  return std::exchange(completions_, {});
}

void SqliteHarvestLog::retry() {
  {
    std::lock_guard guard(mutex_);
    if (state_ != State::held) return;
    state_ = State::open;
    failure_.reset();
  }
  changed_.notify_all();
}

Result<void> SqliteHarvestLog::close(const RunEnd& end) {
  RETORT_ASSERT(thread_.joinable());
  {
    // What is held gets one more chance: the disk may have room again.
    std::lock_guard guard(mutex_);
    if (state_ == State::held) failure_.reset();
  }
  stop(State::closed);
  // The writer has ended: from here on this thread owns everything.
  if (failure_) {
    connection_->leave_wal_on_close();
    return fail(*failure_);
  }
  connection_->set_busy_timeout(10s);
  if (auto done = end_run(*connection_, run_, end, to_iso8601(clock_.wall())); !done) return done;
  return connection_->checkpoint(Connection::Checkpoint::truncate);
}

void SqliteHarvestLog::work() {
  while (true) {
    Queue batch;
    std::size_t bytes = 0;
    {
      std::unique_lock guard(mutex_);
      changed_.wait(guard, [this] {
        return state_ == State::closed || state_ == State::dropped || (state_ == State::open && !queue_.empty());
      });
      if (state_ == State::dropped || queue_.empty()) return;
      while (!queue_.empty() && batch.size() < kBatchEntriesMax && bytes < kBatchBytesMax) {
        bytes += queue_.front().bytes;
        batch.push_back(std::move(queue_.front()));
        queue_.pop_front();
      }
    }
    std::vector<LogEvent> events;
    const Result<void> committed = commit(batch, events);
    if (committed) {
      give_back(batch, events);
      publish(std::move(events));
    } else {
      hold_or_die(committed.error(), std::move(batch));
    }
    const Result<void> checkpointed = committed ? checkpoint_if_long() : Result<void>();
    if (!checkpointed) hold_or_die(checkpointed.error(), {});
    std::lock_guard guard(mutex_);
    if (state_ == State::dead || (failure_ && state_ == State::closed)) return;
  }
}

Result<void> SqliteHarvestLog::commit(const Queue& batch, std::vector<LogEvent>& events) {
  const Instant since = clock_.now();
  while (true) {
    events.clear();
    Result<void> done = commit_once(batch, events);
    if (done || trouble_ != Trouble::busy || give_up_waiting(since)) return done;
  }
}

// A failed commit leaves nothing of the batch behind, and `trouble_` says what kind of failure it was.
Result<void> SqliteHarvestLog::commit_once(const Queue& batch, std::vector<LogEvent>& events) {
  Transaction transaction(*connection_);
  trouble_ = Trouble::none;
  Result<void> done = transaction.begin();
  writer_.begin();
  for (auto queued = batch.begin(); done && queued != batch.end(); ++queued) {
    auto event = writer_.write(queued->entry);
    if (!event) {
      done = fail(event.error());
    } else if (*event) {
      events.push_back(std::move(**event));
    }
  }
  if (done) done = writer_.finish();
  if (done) done = transaction.commit();
  // Kept before the rollback, which may fail in its own way.
  if (!done) trouble_ = connection_->trouble();
  return done;
}

// Whether the writer should stop waiting for another program's lock. Sleeps a little if not.
bool SqliteHarvestLog::give_up_waiting(Instant since) {
  if (clock_.now() - since >= kLockPatience) return true;
  std::unique_lock guard(mutex_);
  return changed_.wait_for(guard, 20ms, [this] { return state_ == State::dropped; });
}

// A checkpoint that finds no room is no loss: the WAL keeps what it has, and the next commit will tell.
Result<void> SqliteHarvestLog::checkpoint_if_long() {
  const int pages = connection_->wal_pages();
  if (pages < kWalPagesWhenIdle) return {};
  if (pages < kWalPagesMax) {
    std::lock_guard guard(mutex_);
    if (!queue_.empty()) return {};
  }
  Result<void> done = connection_->checkpoint(Connection::Checkpoint::passive);
  trouble_ = done ? Trouble::none : connection_->trouble();
  return trouble_ == Trouble::disk_full ? Result<void>() : done;
}

// Only now: what might have to be written again must be whole.
void SqliteHarvestLog::give_back(Queue& batch, std::vector<LogEvent>& events) {
  auto event = events.begin();
  for (Queued& queued : batch) {
    auto* registration = std::get_if<Register>(&queued.entry);
    if (!registration) continue;
    while (!std::holds_alternative<Registered>(*event)) ++event;
    std::get<Registered>(*event++).requests = std::move(registration->requests);
  }
}

void SqliteHarvestLog::publish(std::vector<LogEvent> events) {
  const bool any = !events.empty();
  {
    std::lock_guard guard(mutex_);
    for (LogEvent& event : events) completions_.push_back(std::move(event));
  }
  if (any && wake_) wake_();
}

void SqliteHarvestLog::hold_or_die(const Error& error, Queue batch) {
  const bool curable = trouble_ == Trouble::disk_full || trouble_ == Trouble::busy;
  {
    std::lock_guard guard(mutex_);
    if (state_ == State::dropped) return;
    for (auto entry = batch.rbegin(); entry != batch.rend(); ++entry) queue_.push_front(std::move(*entry));
    if (!curable) {
      state_ = State::dead;
      queue_.clear();
    } else if (state_ == State::open) {
      state_ = State::held;
    }
    failure_ = error;
    completions_.push_back(LogFailed{error, curable});
  }
  if (wake_) wake_();
}

}  // namespace retort
