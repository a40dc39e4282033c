// The corpus when the disk, the kernel or another program does what they sometimes do.
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <thread>

#include "core/base/clock.h"
#include "core/base/random.h"
#include "storage/compression.h"
#include "storage/connection.h"
#include "storage/sqlite_corpora.h"
#include "tests/contract/corpus_driver.h"
#include "tests/contract/disk_faults.h"

namespace retort::test {
namespace {

// Civil time stands still; monotonic time leaps when told, so that nobody waits a minute for a lock.
class LeapingClock final : public Clock {
 public:
  Instant now() const override { return {ns.load()}; }
  WallTime wall() const override { return {1'800'000'000'000}; }
  void leap(Duration by) { ns += by.count(); }

 private:
  std::atomic<std::int64_t> ns{0};
};

std::string integrity_of(const std::string& path) {
  auto connection = Connection::open(path, Connection::Mode::write);
  REQUIRE_OK(connection);
  Rows rows = (*connection)->query("PRAGMA integrity_check");
  REQUIRE(rows.next());
  const std::string verdict = rows.text(0);
  while (rows.next()) {
  }
  Rows broken = (*connection)->query("PRAGMA foreign_key_check");
  return broken.next() ? "foreign keys" : verdict;
}

}  // namespace

TEST_CASE("a full disk holds everything until there is room", "[contract]") {
  Folder folder;
  SystemClock clock;
  SqliteCorpora corpora(clock);
  const std::string path = folder.file("corpus.db");
  LogDriver driver(corpora, path);
  const RowId request = driver.registered(spec("a")).request;
  const RowId other = driver.registered(spec("b")).request;
  const RowId attempt = driver.begun(request);
  const RowId second = driver.begun(other);
  const int before = failed_disk_calls();
  const int error = GENERATE(ENOSPC, EDQUOT, EFBIG);
  {
    FailingWrites full(error);
    driver.log->submit(End{{answer(attempt, request, "paid for")}});
    const LogFailed failed = driver.expect<LogFailed>();
    INFO(failed.error.message);
    CHECK(failed.retryable);
    CHECK(failed.error.code == Errc::disk);
    CHECK(failed.error.message.find("full") != std::string::npos);
    driver.log->submit(End{{answer(second, other, "meanwhile")}});
    driver.log->retry();
    CHECK(driver.expect<LogFailed>().retryable);
  }
  CHECK(failed_disk_calls() > before);
  CHECK(driver.log->completions().empty());
  CHECK(pairs_of(corpora, path).empty());
  SECTION("retry commits what is held, in order") {
    driver.log->retry();
    CHECK(driver.expect<Ended>().attempts == std::vector{attempt});
    CHECK(driver.expect<Ended>().attempts == std::vector{second});
    driver.close();
    CHECK(pairs_of(corpora, path).size() == 2);
  }
  SECTION("close tries once more") {
    driver.close();
    CHECK(pairs_of(corpora, path).size() == 2);
  }
  SECTION("close reports a disk that is still full") {
    {
      FailingWrites full(error);
      const Result<void> closed = driver.log->close({0, {}, Json::object()});
      REQUIRE_FALSE(closed);
      CHECK(closed.error().code == Errc::disk);
      driver.crash();
    }
    CHECK(integrity_of(path) == "ok");
    LogDriver again(corpora, path);
    CHECK(again.recovery.delivery_unknown == 2);
    CHECK(again.registered(spec("a")).status == RequestStatus::pending);
    again.close();
  }
}

TEST_CASE("a failed sync ends the log and is never repeated as if it had worked", "[contract]") {
  Folder folder;
  SystemClock clock;
  SqliteCorpora corpora(clock);
  const std::string path = folder.file("corpus.db");
  LogDriver driver(corpora, path);
  const RowId kept = driver.ask(spec("kept"), "durable");
  const RowId request = driver.registered(spec("a")).request;
  const RowId attempt = driver.begun(request);
  {
    FailingSyncs broken(EIO);
    driver.log->submit(End{{answer(attempt, request, "lost")}});
    const LogFailed failed = driver.expect<LogFailed>();
    CHECK_FALSE(failed.retryable);
    CHECK(failed.error.code == Errc::disk);
  }
  driver.log->retry();
  driver.log->submit(Register{{spec("later")}});
  CHECK(driver.log->completions().empty());
  const Result<void> closed = driver.log->close({0, {}, Json::object()});
  REQUIRE_FALSE(closed);
  CHECK(closed.error().code == Errc::disk);
  CHECK(driver.log->completions().empty());
  driver.crash();

  CHECK(integrity_of(path) == "ok");
  LogDriver again(corpora, path);
  CHECK(again.registered(spec("kept")).request == kept);
  CHECK(again.registered(spec("kept")).status == RequestStatus::answered);
  CHECK(again.registered(spec("later")).first_seen);
  again.close();
}

TEST_CASE("every failing call of a commit is survived", "[contract]") {
  Folder folder;
  SystemClock clock;
  SqliteCorpora corpora(clock);
  const int error = GENERATE(ENOSPC, EIO);
  for (int after = 0; after < 12; ++after) {
    const std::string path = folder.file("corpus" + std::to_string(after) + ".db");
    std::vector<RequestSpec> done;
    {
      LogDriver driver(corpora, path);
      driver.ask(spec("first"), "kept");
      const RowId request = driver.registered(spec("a")).request;
      const RowId attempt = driver.begun(request);
      FailingWrites failing(error, after);
      driver.log->submit(End{{answer(attempt, request, std::string(20'000, 'x'))}});
      const LogEvent event = driver.next();
      if (std::holds_alternative<Ended>(event)) {
        done.push_back(spec("a"));
      } else {
        CHECK(std::get<LogFailed>(event).retryable == (error == ENOSPC));
      }
      driver.crash();
    }
    CHECK(integrity_of(path) == "ok");
    done.push_back(spec("first"));
    LogDriver again(corpora, path);
    for (const RequestSpec& one : done) CHECK(again.registered(one).status == RequestStatus::answered);
    again.close();
  }
}

TEST_CASE("a lock of another program is waited for, then told, then tried again", "[contract]") {
  Folder folder;
  LeapingClock clock;
  SqliteCorpora corpora(clock);
  const std::string path = folder.file("corpus.db");
  LogDriver driver(corpora, path);
  auto shell = Connection::open(path, Connection::Mode::write);
  REQUIRE_OK(shell);
  REQUIRE_OK((*shell)->script("BEGIN IMMEDIATE"));
  driver.log->submit(Register{{spec("a")}});
  std::this_thread::sleep_for(400ms);
  CHECK(driver.log->completions().empty());
  SECTION("patience is enough") {
    REQUIRE_OK((*shell)->script("COMMIT"));
    CHECK(driver.expect<Registered>().states.size() == 1);
  }
  SECTION("patience ends") {
    clock.leap(61s);
    const LogFailed failed = driver.expect<LogFailed>();
    CHECK(failed.retryable);
    CHECK(failed.error.code == Errc::corpus);
    CHECK(failed.error.message.find("lock") != std::string::npos);
    REQUIRE_OK((*shell)->script("COMMIT"));
    driver.log->retry();
    CHECK(driver.expect<Registered>().states.size() == 1);
  }
  driver.close();
}

TEST_CASE("dropping a log does not wait for another program's lock", "[contract]") {
  Folder folder;
  SystemClock clock;
  SqliteCorpora corpora(clock);
  const std::string path = folder.file("corpus.db");
  LogDriver driver(corpora, path);
  auto shell = Connection::open(path, Connection::Mode::write);
  REQUIRE_OK(shell);
  REQUIRE_OK((*shell)->script("BEGIN IMMEDIATE"));
  driver.log->submit(Register{{spec("a")}});
  const Instant start = clock.now();
  driver.crash();
  CHECK(clock.now() - start < 10s);
  REQUIRE_OK((*shell)->script("COMMIT"));
  LogDriver again(corpora, path);
  CHECK(again.registered(spec("a")).first_seen);  // what was queued is gone, as in a crash
  again.close();
}

TEST_CASE("readers see whole answers while a harvest writes", "[contract]") {
  Folder folder;
  SystemClock clock;
  SqliteCorpora corpora(clock);
  const std::string path = folder.file("corpus.db");
  LogDriver driver(corpora, path);
  std::atomic<bool> stop{false};
  std::atomic<int> reads{0};
  std::string fault;
  std::thread watcher([&] {
    RowId newest = 0;
    while (!stop && fault.empty()) {
      auto reader = corpora.read(path);
      if (!reader) fault = reader.error().message;
      if (!reader) break;
      const auto frozen = (*reader)->newest_response();
      const auto pairs = (*reader)->pairs_after(0, 10'000);
      if (!frozen || !pairs) {
        fault = (!frozen ? frozen.error() : pairs.error()).message;
      } else if (*frozen < newest || static_cast<RowId>(pairs->size()) < *frozen) {
        fault = "an answer was there and is not";
      } else {
        newest = *frozen;
      }
      ++reads;
    }
  });
  for (int i = 0; i < 300; ++i) driver.ask(spec("q" + std::to_string(i), i + 1), std::string(3000, 'x'));
  stop = true;
  watcher.join();
  CHECK(fault == "");
  CHECK(reads > 3);
  driver.close();
  CHECK(pairs_of(corpora, path).size() == 300);
}

namespace {

// In the child: answers questions until killed, and reports each completed one through the pipe.
[[noreturn]] void harvest_until_killed(const std::string& path, int report, int round) {
  SystemClock clock;
  SqliteCorpora corpora(clock);
  LogDriver driver(corpora, path);
  for (int i = 0;; ++i) {
    const std::int32_t id = round * 1'000'000 + i;
    driver.ask(spec("q" + std::to_string(id)), std::string(2000, 'y') + std::to_string(id));
    if (write(report, &id, sizeof id) != sizeof id) _exit(1);
  }
}

}  // namespace

TEST_CASE("kill -9 at any instant loses nothing that was completed", "[contract]") {
  Folder folder;
  SystemClock clock;
  SqliteCorpora corpora(clock);
  const std::string path = folder.file("corpus.db");
  Random random(20261122);
  std::vector<std::int32_t> completed;
  for (int round = 0; round < 12; ++round) {
    int ends[2];
    REQUIRE(pipe(ends) == 0);
    const pid_t child = fork();
    REQUIRE(child >= 0);
    if (child == 0) {
      close(ends[0]);
      harvest_until_killed(path, ends[1], round);
    }
    close(ends[1]);
    std::int32_t id = 0;
    const auto wanted = static_cast<std::size_t>(random.between(1, 40));
    for (std::size_t i = 0; i < wanted && read(ends[0], &id, sizeof id) == sizeof id; ++i) completed.push_back(id);
    std::this_thread::sleep_for(random.jitter(5ms));
    kill(child, SIGKILL);
    while (read(ends[0], &id, sizeof id) == sizeof id) completed.push_back(id);
    close(ends[0]);
    int status = 0;
    REQUIRE(waitpid(child, &status, 0) == child);
    CHECK(WIFSIGNALED(status));
    CHECK(integrity_of(path) == "ok");
  }
  REQUIRE(completed.size() >= 12);
  LogDriver driver(corpora, path);
  for (const std::int32_t id : completed) {
    const RequestState state = driver.registered(spec("q" + std::to_string(id)));
    if (state.status != RequestStatus::answered) FAIL("completed, but not on disk: " << id);
  }
  driver.close();
  const CorpusSummary summary = summary_of(corpora, path);
  CHECK(summary.runs == 13);
  CHECK(count_of(summary.attempts, "unsent") + count_of(summary.attempts, "sent") == 0);
  CHECK(count_of(summary.attempts, "delivery_unknown") <= 12);
  CHECK(summary.responses >= static_cast<std::int64_t>(completed.size()));

  auto connection = Connection::open(path, Connection::Mode::write);
  REQUIRE_OK(connection);
  CHECK(*(*connection)->number("SELECT count(*) FROM run WHERE state = 'crashed' AND ended_at IS NULL") == 12);
  CHECK(*(*connection)->number("SELECT count(*) FROM run WHERE state = 'ended' AND exit_code = 0") == 1);
  Rows raw =
      (*connection)->query("SELECT raw.bytes, raw.body, response.text FROM raw JOIN response USING (attempt_id)");
  while (raw.next()) {
    const auto body = decompress(raw.text(1), 1 << 20);
    REQUIRE_OK(body);
    CHECK(static_cast<std::int64_t>(body->size()) == raw.integer(0));
    CHECK(body->find(raw.text(2)) != std::string::npos);
  }
  REQUIRE_OK(raw.status());
}

}  // namespace retort::test
