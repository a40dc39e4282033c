// What survives a power cut at any instant, a failing sync, a damaged WAL, and memory that runs out.
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <thread>

#include "core/base/clock.h"
#include "core/base/random.h"
#include "storage/connection.h"
#include "storage/sqlite_corpora.h"
#include "tests/contract/corpus_driver.h"
#include "tests/contract/disk_faults.h"

namespace retort::test {
namespace {

std::string bytes_of_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

void write_file(const std::string& path, const std::string& bytes) { std::ofstream(path, std::ios::binary) << bytes; }

std::string integrity_of(const std::string& path) {
  auto connection = Connection::open(path, Connection::Mode::write);
  if (!connection) return connection.error().message;
  Rows rows = (*connection)->query("PRAGMA integrity_check");
  const std::string verdict = rows.next() ? rows.text(0) : "nothing";
  while (rows.next()) {
  }
  Rows broken = (*connection)->query("PRAGMA foreign_key_check");
  return broken.next() ? "foreign keys" : verdict;
}

std::string question(int number) { return "q" + std::to_string(number); }

/// Text that does not compress, so that a few answers fill the WAL.
std::string noise(Random& random, std::size_t size) {
  std::string text;
  while (text.size() < size) text += static_cast<char>(random.between(32, 126));
  return text;
}

/// Asks some questions on a disk or in memory that fails; which of them were reported as durable.
std::vector<int> ask_while_failing(CorpusOpener& opener, const std::string& path, int count) {
  std::vector<int> done;
  auto session = opener.harvest(path, teacher(), terms(), run_start(), [] {});
  if (!session) {
    CHECK_FALSE(session.error().message.empty());
    return done;
  }
  HarvestLog& log = *session->log;
  const auto next = [&]() -> std::optional<LogEvent> {
    SystemClock clock;
    for (const Instant give_up = clock.now() + 20s; clock.now() < give_up;) {
      auto events = log.completions();
      if (!events.empty()) return std::move(events.front());
      std::this_thread::sleep_for(200us);
    }
    return {};
  };
  for (int i = 0; i < count; ++i) {
    log.submit(Register{{spec(question(i), i + 1)}});
    const auto registered = next();
    if (!registered || !std::holds_alternative<Registered>(*registered)) break;
    const RowId request = std::get<Registered>(*registered).states.at(0).request;
    log.submit(Begin{{{request, {}}}});
    const auto begun = next();
    if (!begun || !std::holds_alternative<Begun>(*begun)) break;
    const RowId attempt = std::get<Begun>(*begun).attempts.at(0);
    log.submit(End{{answer(attempt, request, std::to_string(i))}});
    const auto ended = next();
    if (!ended || !std::holds_alternative<Ended>(*ended)) break;
    done.push_back(i);
  }
  (void)log.close({0, {}, Json::object()});
  return done;
}

/// The corpus opens, is whole, has everything that was reported as durable, and takes the rest.
void check_goes_on(const std::string& path, const std::vector<int>& done, int count) {
  SystemClock clock;
  SqliteCorpora corpora(clock);
  LogDriver driver(corpora, path);
  for (const int i : done) CHECK(driver.registered(spec(question(i), i + 1)).status == RequestStatus::answered);
  for (int i = 0; i < count; ++i) {
    if (driver.registered(spec(question(i), i + 1)).status != RequestStatus::answered)
      driver.ask(spec(question(i), i + 1), "later");
  }
  driver.close();
  CHECK(integrity_of(path) == "ok");
  CHECK(static_cast<int>(pairs_of(corpora, path).size()) == count);
}

}  // namespace

TEST_CASE("a power cut at any instant loses nothing that was reported as durable", "[contract][power]") {
  Folder folder;
  SystemClock clock;
  SqliteCorpora corpora(clock);
  const std::string path = folder.file("corpus.db");
  LogDriver(corpora, path).close();
  Random random(20261122);
  RecordedDisk disk(folder.path());
  std::vector<std::pair<std::size_t, int>> durable;  // after so many calls, this answer was reported
  {
    LogDriver driver(corpora, path);
    // Large enough for the WAL to be written into the file on the way and begun anew.
    for (int i = 0; i < 90; ++i) {
      driver.ask(spec(question(i), i + 1), noise(random, i % 3 == 0 ? 300'000 : 2000));
      durable.emplace_back(disk.calls(), i);
    }
    driver.crash();
  }
  std::vector<std::size_t> cuts;
  for (std::size_t call = 0; call < disk.calls(); ++call) {
    if (disk.is_sync(call)) cuts.insert(cuts.end(), {call, call + 1});
  }
  REQUIRE(cuts.size() > 100);
  int checked = 0;
  for (int round = 0; round < 60; ++round) {
    // Half of them next to a sync, where a mistake would show, half anywhere.
    const std::size_t cut =
        round % 2 == 0 ? cuts[static_cast<std::size_t>(random.between(0, static_cast<std::int64_t>(cuts.size()) - 1))]
                       : static_cast<std::size_t>(random.between(0, static_cast<std::int64_t>(disk.calls())));
    Folder after;
    disk.leave(cut, after.path(), random);
    CAPTURE(round, cut);
    REQUIRE(integrity_of(after.file("corpus.db")) == "ok");
    LogDriver driver(corpora, after.file("corpus.db"));
    for (const auto& [calls, number] : durable) {
      if (calls > cut) break;
      REQUIRE(driver.registered(spec(question(number), number + 1)).status == RequestStatus::answered);
      ++checked;
    }
    driver.close();
  }
  CHECK(checked > 500);
}

TEST_CASE("a sync that fails, whichever it is, ends the log and loses nothing that was durable", "[contract]") {
  constexpr int kQuestions = 4;
  int failures = 0;
  for (int after = 0; after < 30; ++after) {
    Folder folder;
    SystemClock clock;
    SqliteCorpora corpora(clock);
    const std::string path = folder.file("corpus.db");
    const int before = failed_disk_calls();
    std::vector<int> done;
    {
      FailingSyncs broken(EIO, after);
      done = ask_while_failing(corpora, path, kQuestions);
    }
    CAPTURE(after, done.size());
    if (failed_disk_calls() > before) ++failures;
    check_goes_on(path, done, kQuestions);
  }
  CHECK(failures > 10);
}

namespace {

/// A corpus that crashed with twelve answers in its WAL.
void crash_with_answers(const std::string& path, char letter) {
  SystemClock clock;
  SqliteCorpora corpora(clock);
  LogDriver(corpora, path).close();
  LogDriver driver(corpora, path);
  for (int i = 0; i < 12; ++i) driver.ask(spec(question(i), i + 1), std::string(3000, letter));
  driver.crash();
}

void put(const std::string& path, const std::string& database, const std::string& wal) {
  for (const char* suffix : {"-wal", "-shm", ".lock"}) std::filesystem::remove(path + suffix);
  write_file(path, database);
  write_file(path + "-wal", wal);
}

}  // namespace

TEST_CASE("a WAL that is cut or garbled is read as far as it is whole", "[contract]") {
  Folder folder;
  SystemClock clock;
  SqliteCorpora corpora(clock);
  const std::string path = folder.file("corpus.db"), victim = folder.file("victim.db");
  crash_with_answers(path, 'x');
  const std::string database = bytes_of_file(path), wal = bytes_of_file(path + "-wal");
  REQUIRE(wal.size() > 100'000);
  Random random(3);
  for (int round = 0; round < 100; ++round) {
    CAPTURE(round);
    std::string damaged = wal;
    const auto at = static_cast<std::size_t>(random.between(0, static_cast<std::int64_t>(damaged.size()) - 1));
    if (round % 2 == 0) {
      damaged.resize(at);
    } else {
      for (std::size_t i = at; i < std::min(at + 64, damaged.size()); ++i)
        damaged[i] = static_cast<char>(random.next());
    }
    put(victim, database, damaged);
    CHECK(integrity_of(victim) == "ok");
    for (const Pair& pair : pairs_of(corpora, victim)) CHECK(pair.answer.text == std::string(3000, 'x'));
    check_goes_on(victim, {}, 12);
  }
}

// SQLite itself cannot tell another database's WAL from this one's: what can be promised is that nothing crashes.
TEST_CASE("the WAL of another corpus, or of an earlier day, is told or works, and never crashes", "[contract]") {
  Folder folder;
  SystemClock clock;
  SqliteCorpora corpora(clock);
  const std::string path = folder.file("corpus.db"), other = folder.file("other.db"), victim = folder.file("victim.db");
  crash_with_answers(path, 'x');
  crash_with_answers(other, 'y');
  const std::string stale = bytes_of_file(path + "-wal");
  LogDriver(corpora, path).close();
  LogDriver later(corpora, path);
  for (int i = 100; i < 140; ++i) later.ask(spec(question(i), i + 1), std::string(3000, 'z'));
  later.close();
  for (const std::string& wal : {stale, bytes_of_file(other + "-wal")}) {
    put(victim, bytes_of_file(path), wal);
    const auto check = [](const auto& result) {
      if (!result) CHECK(result.error().code == Errc::corpus);
    };
    auto reader = corpora.read(victim);
    check(reader);
    if (reader) check((*reader)->pairs_after(0, 1000));
    auto session = corpora.harvest(victim, teacher(), terms(), run_start(), [] {});
    check(session);
    if (session) check(session->log->close({0, {}, Json::object()}));
  }
}

TEST_CASE("an allocation that fails, whichever it is, ends in a message and a sound corpus", "[contract][memory]") {
  constexpr int kQuestions = 3;
  const bool forever = GENERATE(false, true);
  int failures = 0;
  bool whole = false;
  for (int after = 0; !whole; after += after < 60 ? 1 : after / 12) {
    Folder folder;
    SystemClock clock;
    SqliteCorpora corpora(clock);
    const std::string path = folder.file("corpus.db");
    std::vector<int> done;
    {
      FailingMemory memory(after, forever);
      done = ask_while_failing(corpora, path, kQuestions);
      if (auto reader = corpora.read(path)) {
        if (const auto summary = (*reader)->summary(); !summary) CHECK_FALSE(summary.error().message.empty());
      }
      whole = memory.failed() == 0;
    }
    CAPTURE(after, forever, done.size());
    if (!whole) ++failures;
    check_goes_on(path, done, kQuestions);
    REQUIRE(after < 200'000);
  }
  CHECK(failures > 60);
}

}  // namespace retort::test
