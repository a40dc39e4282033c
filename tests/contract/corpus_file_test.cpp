// What may be opened as a corpus, and what must be left alone.
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "core/base/clock.h"
#include "core/base/random.h"
#include "storage/connection.h"
#include "storage/migrations.h"
#include "storage/sqlite_corpora.h"
#include "tests/contract/corpus_driver.h"

namespace retort::test {
namespace {

std::string bytes_of_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

void write_file(const std::string& path, const std::string& bytes) { std::ofstream(path, std::ios::binary) << bytes; }

void run_sql(const std::string& path, const std::string& sql) {
  auto connection = Connection::open(path, Connection::Mode::create);
  REQUIRE_OK(connection);
  REQUIRE_OK((*connection)->script(sql.c_str()));
}

// By every way of opening: refused with this code and these words, and the folder is as it was.
void check_refused(const Folder& folder, const std::string& path, Errc code, const std::string& words) {
  SystemClock clock;
  SqliteCorpora corpora(clock);
  const auto listing = [&] {
    std::vector<std::pair<std::string, std::string>> files;
    for (const auto& entry : std::filesystem::directory_iterator(folder.path()))
      files.emplace_back(entry.path().string(), entry.is_regular_file() ? bytes_of_file(entry.path()) : "");
    std::sort(files.begin(), files.end());
    return files;
  };
  const auto before = listing();
  const auto harvested = corpora.harvest(path, teacher(), terms(), run_start(), [] {});
  REQUIRE_FALSE(harvested);
  CHECK(harvested.error().code == code);
  INFO(harvested.error().message);
  CHECK(harvested.error().message.find(words) != std::string::npos);
  CHECK(harvested.error().message.find('\n') == std::string::npos);
  const auto read = corpora.read(path);
  REQUIRE_FALSE(read);
  CHECK((read.error().code == Errc::corpus || read.error().code == Errc::usage));
  const auto recorded = corpora.record(path, run_start(), {}, {});
  REQUIRE_FALSE(recorded);
  CHECK(listing() == before);
}

}  // namespace

TEST_CASE("what is no corpus is refused and left as it is", "[contract]") {
  Folder folder;
  const std::string path = folder.file("corpus.db");
  SECTION("text") {
    write_file(path, "These are somebody's notes.\n" + std::string(5000, 'n'));
    check_refused(folder, path, Errc::corpus, "no SQLite database");
  }
  SECTION("a few bytes") {
    write_file(path, "x");
    check_refused(folder, path, Errc::corpus, "no corpus");
  }
  SECTION("another program's database") {
    run_sql(path, "CREATE TABLE bookmarks (url TEXT); INSERT INTO bookmarks VALUES ('a');");
    check_refused(folder, path, Errc::corpus, "another program");
  }
  SECTION("another program's database with an identity of its own") {
    run_sql(path, "PRAGMA application_id = 1196444487;");
    check_refused(folder, path, Errc::corpus, "another program");
  }
  SECTION("another program's database in WAL mode, not checkpointed") {
    auto connection = Connection::open(path, Connection::Mode::create);
    REQUIRE_OK(connection);
    REQUIRE_OK((*connection)->script("PRAGMA journal_mode = WAL; CREATE TABLE bookmarks (url TEXT);"));
    (*connection)->leave_wal_on_close();
    connection->reset();
    REQUIRE(std::filesystem::file_size(path + "-wal") > 0);
    check_refused(folder, path, Errc::corpus, "another program");
  }
  SECTION("a newer version") {
    SystemClock clock;
    SqliteCorpora corpora(clock);
    LogDriver(corpora, path).close();
    run_sql(path, "PRAGMA user_version = 99; PRAGMA wal_checkpoint(TRUNCATE);");
    check_refused(folder, path, Errc::corpus, "corpus version 99");
    check_refused(folder, path, Errc::corpus, "update retort");
  }
  SECTION("a directory") {
    std::filesystem::create_directory(path);
    check_refused(folder, path, Errc::corpus, "is a directory");
  }
  SECTION("a pipe") {
    REQUIRE(mkfifo(path.c_str(), 0600) == 0);
    check_refused(folder, path, Errc::corpus, "no regular file");
  }
  SECTION("no such folder") { check_refused(folder, folder.file("no/such/corpus.db"), Errc::corpus, "no folder"); }
  SECTION("a folder that is a file") {
    write_file(folder.file("notes"), "n");
    check_refused(folder, folder.file("notes") + "/corpus.db", Errc::corpus, "folder");
  }
}

TEST_CASE("a missing corpus is not made by reading", "[contract]") {
  Folder folder;
  SystemClock clock;
  SqliteCorpora corpora(clock);
  const auto read = corpora.read(folder.file("corpus.db"));
  REQUIRE_FALSE(read);
  CHECK(read.error().code == Errc::usage);
  CHECK(read.error().message.find("no such corpus") != std::string::npos);
  CHECK(std::filesystem::is_empty(folder.path()));
}

TEST_CASE("an empty file becomes a corpus, and odd names are just names", "[contract]") {
  Folder folder;
  SystemClock clock;
  SqliteCorpora corpora(clock);
  for (const char* name : {"corpus.db", "a b?mode=memory#x%41.db", ":memory:", "ünï.db"}) {
    const std::string path = folder.file(name);
    write_file(path, "");
    LogDriver driver(corpora, path);
    driver.ask(spec("a"), "b");
    driver.close();
    CHECK(bytes_of_file(path).substr(0, 15) == "SQLite format 3");
    CHECK(pairs_of(corpora, path).size() == 1);
  }
}

TEST_CASE("two names of one corpus are one corpus", "[contract]") {
  Folder folder;
  SystemClock clock;
  SqliteCorpora corpora(clock);
  const std::string path = folder.file("corpus.db");
  LogDriver(corpora, path).close();
  std::filesystem::create_symlink("corpus.db", folder.file("link.db"));
  LogDriver driver(corpora, folder.file("link.db"));
  const auto second = corpora.harvest(path, teacher(), terms(), run_start(), [] {});
  REQUIRE_FALSE(second);
  CHECK(second.error().message.find("pid " + std::to_string(getpid())) != std::string::npos);
  driver.close();
}

TEST_CASE("a write-protected corpus can be read, but not harvested into", "[contract]") {
  Folder folder;
  SystemClock clock;
  SqliteCorpora corpora(clock);
  const std::string path = folder.file("corpus.db");
  LogDriver driver(corpora, path);
  driver.ask(spec("a"), "b");
  driver.close();
  std::filesystem::remove(path + ".lock");
  // Root may write anywhere, so a child without rights does it; its exit code tells what it saw.
  REQUIRE(chmod(path.c_str(), 0444) == 0);
  REQUIRE(chmod(folder.path().c_str(), 0555) == 0);
  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    if (geteuid() == 0 && setuid(65534) != 0) _exit(10);
    const auto harvested = corpora.harvest(path, teacher(), terms(), run_start(), [] {});
    if (harvested || harvested.error().code != Errc::corpus) _exit(11);
    if (harvested.error().message.find("cannot write") == std::string::npos) _exit(12);
    auto reader = corpora.read(path);
    if (!reader) _exit(13);
    const auto pairs = (*reader)->pairs_after(0, 10);
    if (!pairs || pairs->size() != 1) _exit(14);
    if (corpora.record(path, run_start(), {}, {})) _exit(15);
    _exit(0);
  }
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  REQUIRE(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 0);
  REQUIRE(chmod(folder.path().c_str(), 0755) == 0);
  CHECK_FALSE(std::filesystem::exists(path + "-wal"));
}

TEST_CASE("a damaged corpus is told or works, and never crashes", "[contract]") {
  Folder folder;
  SystemClock clock;
  SqliteCorpora corpora(clock);
  const std::string path = folder.file("corpus.db");
  LogDriver whole(corpora, path);
  for (int i = 0; i < 60; ++i) whole.ask(spec("q" + std::to_string(i), i + 1), std::string(3000, 'x'));
  whole.close();
  const std::string bytes = bytes_of_file(path);
  Random random(7);
  int refused = 0;
  for (int round = 0; round < 120; ++round) {
    std::string damaged = bytes;
    if (round % 3 == 0) {
      damaged.resize(static_cast<std::size_t>(random.between(1, static_cast<std::int64_t>(bytes.size()) - 1)));
    } else {
      const auto at = static_cast<std::size_t>(random.between(100, static_cast<std::int64_t>(bytes.size()) - 600));
      for (std::size_t i = 0; i < 512; ++i) damaged[at + i] = static_cast<char>(random.next());
    }
    const std::string victim = folder.file("victim.db");
    for (const char* suffix : {"-wal", "-shm", ".lock"}) std::filesystem::remove(victim + suffix);
    write_file(victim, damaged);
    const auto check = [&](const auto& result) {
      if (result) return;
      ++refused;
      INFO(result.error().message);
      CHECK(result.error().code == Errc::corpus);
    };
    if (auto reader = corpora.read(victim); reader) {
      check((*reader)->summary());
      check((*reader)->pairs_after(0, 1000));
      check((*reader)->newest_response());
      check((*reader)->permissions());
    } else {
      check(reader);
    }
    auto session = corpora.harvest(victim, teacher(), terms(), run_start(), [] {});
    check(session);
    if (session) {
      for (int i = 0; i < 60; i += 7) session->log->submit(Register{{spec("q" + std::to_string(i), i + 1)}});
      check(session->log->close({0, {}, Json::object()}));
    }
  }
  CHECK(refused > 30);
}

}  // namespace retort::test
