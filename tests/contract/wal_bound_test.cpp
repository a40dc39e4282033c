// A long export during a harvest: it reads in short steps, so the write-ahead log is emptied again and again and does
// not grow with what is harvested meanwhile. One long read would keep all of it: the control shows that the test would
// see it.
#include <sys/stat.h>

#include <algorithm>

#include "core/base/clock.h"
#include "core/curate/admission.h"
#include "storage/connection.h"
#include "storage/sqlite_corpora.h"
#include "tests/contract/corpus_driver.h"

namespace retort::test {
namespace {

constexpr int kBefore = 100, kDuring = 400;
constexpr std::size_t kAnswerBytes = 200'000;

std::int64_t wal_bytes(const std::string& path) {
  struct stat file {};
  return stat((path + "-wal").c_str(), &file) == 0 ? static_cast<std::int64_t>(file.st_size) : 0;
}

std::string answer_text(int i) { return std::string(kAnswerBytes, static_cast<char>('a' + i % 26)); }

struct Harvesting {
  explicit Harvesting(Folder& folder) : path(folder.file("corpus.db")) {
    LogDriver before(corpora, path);
    for (int i = 0; i < kBefore; ++i) before.ask(spec("question " + std::to_string(i), i + 1), answer_text(i));
    before.close();
    log = std::make_unique<LogDriver>(corpora, path);
  }
  /// One more answer; the size of the log after it counts.
  void answer_one() {
    log->ask(spec("later question " + std::to_string(asked), asked + 1), answer_text(asked));
    ++asked;
    largest = std::max(largest, wal_bytes(path));
  }
  std::string path;
  SystemClock clock;
  SqliteCorpora corpora{clock};
  std::unique_ptr<LogDriver> log;
  int asked = 0;
  std::int64_t largest = 0;
};

}  // namespace

TEST_CASE("a long export during a harvest does not let the write-ahead log grow", "[contract][wal]") {
  Folder folder;
  Harvesting alone(folder);
  for (int i = 0; i < kDuring; ++i) alone.answer_one();
  alone.log->close();

  Folder second;
  Harvesting exported(second);
  const auto reader = exported.corpora.read(exported.path);
  REQUIRE_OK(reader);
  const auto admission = admit(**reader, {"export", {}});
  REQUIRE_OK(admission);
  CHECK(admission->pairs == kBefore);
  int pairs = 0;
  // A slow export: three answers come in for each pair that goes out.
  REQUIRE_OK(read_admitted(**reader, *admission, [&](const Pair&) -> Result<void> {
    ++pairs;
    for (int i = 0; i < kDuring / kBefore; ++i) exported.answer_one();
    return {};
  }));
  CHECK(pairs == kBefore);
  exported.log->close();
  INFO("largest log: " << alone.largest << " bytes without an export, " << exported.largest << " with one");
  // What was written meanwhile is much more than what the log may hold.
  REQUIRE(kDuring * static_cast<std::int64_t>(kAnswerBytes) > 3 * alone.largest);
  CHECK(exported.largest <= 2 * alone.largest);
}

TEST_CASE("one long read would let it grow", "[contract][wal]") {
  Folder folder;
  Harvesting harvesting(folder);
  auto connection = Connection::open(harvesting.path, Connection::Mode::write);
  REQUIRE_OK(connection);
  REQUIRE_OK((*connection)->run("BEGIN"));
  REQUIRE_OK((*connection)->number("SELECT count(*) FROM response"));
  for (int i = 0; i < kDuring; ++i) harvesting.answer_one();
  harvesting.log->close();
  CHECK(harvesting.largest > kDuring * static_cast<std::int64_t>(kAnswerBytes) / 2);
  REQUIRE_OK((*connection)->run("COMMIT"));
}

}  // namespace retort::test
