// Looking after a corpus: fsck finds what is planted and changes nothing, a snapshot is whole, what is forgotten is
// gone.
#include <algorithm>
#include <atomic>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <thread>

#include "core/base/clock.h"
#include "core/base/random.h"
#include "storage/connection.h"
#include "storage/sqlite_corpora.h"
#include "tests/contract/corpus_driver.h"

namespace retort::test {
namespace {

std::string bytes_of_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

IdentityDigests digests() {
  return {[](const std::string& dialect, const std::string& model, const Messages& messages, const Json& parameters,
             int sample) {
    return request_digest({dialect, model, messages, parameters, sample});
  }};
}

struct Place {
  std::string path() const { return folder.file("corpus.db"); }
  void change(const char* sql) const {
    auto connection = Connection::open(path(), Connection::Mode::write);
    REQUIRE_OK(connection);
    REQUIRE_OK((*connection)->script(sql));
    REQUIRE_OK((*connection)->checkpoint(Connection::Checkpoint::truncate));
  }
  Result<Checkup> check(std::vector<Finding>& findings, const std::string& place) {
    return corpora.check(place, digests(), [&](const Finding& one) { findings.push_back(one); });
  }
  std::vector<Finding> findings() {
    std::vector<Finding> found;
    const auto checkup = check(found, path());
    REQUIRE_OK(checkup);
    CHECK(checkup->damaged == std::any_of(found.begin(), found.end(), [](const Finding& one) { return one.damage; }));
    return found;
  }
  Folder folder;
  SystemClock clock;
  SqliteCorpora corpora{clock};
};

void fill(Place& place, int count = 20) {
  LogDriver driver(place.corpora, place.path());
  for (int i = 0; i < count; ++i) {
    RequestSpec one = spec("question " + std::to_string(i), i + 1);
    one.prompt.metadata = {{"family", "sum"}};
    driver.ask(one, "answer " + std::to_string(i), i == 3 ? Finish::length : Finish::stop);
  }
  driver.close();
}

struct Planted {
  const char* check;
  const char* sql;
};

}  // namespace

TEST_CASE("a sound corpus has no findings, and looking changes nothing", "[contract][fsck]") {
  Place place;
  fill(place);
  const std::string before = bytes_of_file(place.path());
  std::vector<Finding> found;
  const auto checkup = place.check(found, place.path());
  REQUIRE_OK(checkup);
  CHECK(found.empty());
  CHECK_FALSE(checkup->damaged);
  CHECK(checkup->prompts == 20);
  CHECK(checkup->requests == 20);
  CHECK(checkup->responses == 20);
  CHECK(checkup->attempts == 20);
  CHECK(checkup->bodies == 20);
  CHECK(bytes_of_file(place.path()) == before);
  CHECK_FALSE(std::filesystem::exists(place.path() + "-wal"));
}

TEST_CASE("fsck finds each kind of damage and names the rows", "[contract][fsck]") {
  const auto planted = GENERATE(
      Planted{"answer", "UPDATE request SET response_id = NULL WHERE id = 5"},
      Planted{"answer", "UPDATE request SET response_id = 6 WHERE id = 5"},
      Planted{
          "newest",
          "CREATE TEMP TABLE again AS SELECT * FROM attempt WHERE id = 5; UPDATE again SET id = 99; "
          "INSERT INTO attempt SELECT * FROM again; DROP TABLE again; "
          "CREATE TEMP TABLE again AS SELECT * FROM response WHERE id = 5; UPDATE again SET id = 99, attempt_id = 99; "
          "INSERT INTO response SELECT * FROM again"},
      Planted{"truncated", "UPDATE request SET truncated = 1 WHERE id = 5"},
      Planted{"outcome", "UPDATE attempt SET outcome = 'failed' WHERE id = 5"},
      Planted{"references", "PRAGMA foreign_keys = OFF; DELETE FROM attempt WHERE id = 5"},
      Planted{"json", "UPDATE source_row SET metadata = '{' WHERE id = 5"},
      Planted{"digest", "UPDATE prompt SET messages = replace(messages, 'question', 'riddle') WHERE id = 5"},
      Planted{"digest", "UPDATE prompt SET messages = 'oops' WHERE id = 5"},
      Planted{"digest", "UPDATE request SET parameters = '{}' WHERE id = 5"},
      Planted{"text", "UPDATE response SET text = CAST(x'ff61' AS TEXT) WHERE id = 5"},
      Planted{"body", "UPDATE raw SET bytes = bytes + 1 WHERE attempt_id = 5"},
      Planted{"body", "UPDATE raw SET body = x'00010203' WHERE attempt_id = 5"},
      Planted{"pages", "PRAGMA ignore_check_constraints = ON; UPDATE request SET status = 'done' WHERE id = 5"});
  CAPTURE(planted.check, planted.sql);
  Place place;
  fill(place);
  place.change(planted.sql);
  const std::vector<Finding> found = place.findings();
  const auto hit = std::find_if(found.begin(), found.end(),
                                [&](const Finding& one) { return one.check == planted.check && one.damage; });
  REQUIRE(hit != found.end());
  CAPTURE(hit->line);
  CHECK(hit->line.find('\n') == std::string::npos);
  CHECK(hit->line.find(": ") != std::string::npos);
  if (std::string(planted.check) != "pages") CHECK(hit->line.find("(id 5") != std::string::npos);
}

TEST_CASE("what a crash left is a note, and the WAL stays as it was", "[contract][fsck]") {
  Place place;
  fill(place, 3);
  {
    LogDriver driver(place.corpora, place.path());
    driver.begun(driver.registered(spec("more")).request);
    SECTION("while the harvest runs") {
      const std::vector<Finding> found = place.findings();
      REQUIRE(found.size() == 1);
      CHECK(found[0].line.find("a harvest is running") != std::string::npos);
      driver.close();
      return;
    }
    driver.crash();
  }
  const std::string database = bytes_of_file(place.path()), wal = bytes_of_file(place.path() + "-wal");
  REQUIRE_FALSE(wal.empty());
  const std::vector<Finding> found = place.findings();
  REQUIRE(found.size() == 1);
  CHECK_FALSE(found[0].damage);
  CHECK(found[0].line.find("1 attempts of run 2") != std::string::npos);
  CHECK(bytes_of_file(place.path()) == database);
  CHECK(bytes_of_file(place.path() + "-wal") == wal);
}

TEST_CASE("fsck tells of any damage to the file, changes nothing and never crashes", "[contract][fsck]") {
  Place place;
  fill(place, 400);
  const std::string bytes = bytes_of_file(place.path());
  Random random(11);
  int told = 0;
  for (int round = 0; round < 100; ++round) {
    CAPTURE(round);
    std::string damaged = bytes;
    if (round % 2 == 0) {
      damaged.resize(static_cast<std::size_t>(random.between(1, static_cast<std::int64_t>(bytes.size()) - 1)));
    } else {
      const auto at = static_cast<std::size_t>(random.between(100, static_cast<std::int64_t>(bytes.size()) - 600));
      for (std::size_t i = 0; i < 512; ++i) damaged[at + i] = static_cast<char>(random.next());
    }
    const std::string victim = place.folder.file("victim.db");
    std::ofstream(victim, std::ios::binary) << damaged;
    std::vector<Finding> found;
    const auto checkup = place.check(found, victim);
    if (checkup) {
      told += checkup->damaged ? 1 : 0;
    } else {
      CHECK(checkup.error().code == Errc::corpus);
      ++told;
    }
    CHECK(bytes_of_file(victim) == damaged);
  }
  CHECK(told > 75);  // the rest fell on bytes that mean nothing
}

TEST_CASE("a snapshot taken during a harvest is whole, and what was answered before is in it", "[contract][snapshot]") {
  Place place;
  LogDriver driver(place.corpora, place.path());
  const std::string padding(20'000, 'p');
  for (int i = 0; i < 200; ++i) driver.ask(spec("q" + std::to_string(i), i + 1), padding);
  const std::string copy = place.folder.file("copy.db");
  Result<std::int64_t> copied = 0;
  std::atomic<bool> done{false};
  std::thread copier([&] {
    copied = place.corpora.snapshot(place.path(), copy, [] { return false; });
    done = true;
  });
  int asked = 200;
  for (; !done || asked < 210; ++asked) driver.ask(spec("q" + std::to_string(asked), asked + 1), padding);
  copier.join();
  REQUIRE_OK(copied);
  CHECK(*copied == static_cast<std::int64_t>(std::filesystem::file_size(copy)));
  driver.close();
  std::vector<Finding> found;
  const auto checkup = place.check(found, copy);
  REQUIRE_OK(checkup);
  CHECK_FALSE(checkup->damaged);
  CHECK(checkup->responses >= 200);
  CHECK(checkup->responses <= asked);
  LogDriver onward(place.corpora, copy);  // a corpus like any other
  CHECK(onward.registered(spec("q7", 8)).status == RequestStatus::answered);
  onward.close();
}

TEST_CASE("a snapshot replaces nothing and leaves no half file", "[contract][snapshot]") {
  Place place;
  fill(place, 200);
  const std::string copy = place.folder.file("copy.db");
  const auto names = [&] {
    std::vector<std::string> all;
    for (const auto& entry : std::filesystem::directory_iterator(place.folder.path()))
      all.push_back(entry.path().filename());
    std::sort(all.begin(), all.end());
    return all;
  };
  const auto before = names();
  SECTION("stopped on the way") {
    int polls = 0;
    const auto copied = place.corpora.snapshot(place.path(), copy, [&] { return ++polls > 1; });
    REQUIRE_FALSE(copied);
    CHECK(copied.error().code == Errc::interrupted);
    CHECK(names() == before);
  }
  SECTION("the name is taken") {
    std::ofstream(copy) << "mine";
    const auto copied = place.corpora.snapshot(place.path(), copy, [] { return false; });
    REQUIRE_FALSE(copied);
    CHECK(copied.error().code == Errc::usage);
    CHECK(bytes_of_file(copy) == "mine");
  }
  SECTION("the name is taken while it is copied") {
    const auto copied = place.corpora.snapshot(place.path(), copy, [&] {
      std::ofstream(copy) << "mine";
      return false;
    });
    REQUIRE_FALSE(copied);
    CHECK(copied.error().code == Errc::usage);
    CHECK(bytes_of_file(copy) == "mine");
    CHECK(names().size() == before.size() + 1);
  }
  SECTION("there is no such folder") {
    const auto copied = place.corpora.snapshot(place.path(), place.folder.file("no/copy.db"), [] { return false; });
    REQUIRE_FALSE(copied);
    CHECK(copied.error().code == Errc::usage);
  }
}

namespace {

constexpr const char* kSecret = "Rumpelstiltskin-4711";

/// Two prompts with a secret, in the messages and in an answer, among others.
void fill_with_secrets(Place& place) {
  LogDriver driver(place.corpora, place.path());
  for (int i = 0; i < 300; ++i) driver.ask(spec("q" + std::to_string(i), i + 1), std::string(500, 'f'));
  RequestSpec asked = spec(std::string("who is \"") + kSecret + "\"\n?", 301);
  asked.prompt.reference = std::string("it is ") + kSecret;
  asked.prompt.metadata = {{"name", kSecret}};
  driver.ask(asked, "a gnome");
  RequestSpec sample = asked;
  sample.digest += "s";
  sample.sample = 1;
  driver.ask(sample, "a dwarf");
  driver.ask(spec("who spins gold?", 302), std::string("that is ") + kSecret);
  AttemptEnd failed = no_answer(driver.begun(driver.registered(sample).request), driver.registered(sample).request,
                                AttemptOutcome::failed, "http_400");
  failed.request_status = RequestStatus::answered;
  failed.error_detail = std::string("cannot say ") + kSecret;
  driver.ended(failed);
  for (int i = 400; i < 600; ++i) driver.ask(spec("q" + std::to_string(i), i + 1), std::string(500, 'f'));
  driver.close();
}

std::string all_bytes_in(const Folder& folder) {
  std::string all;
  for (const auto& entry : std::filesystem::directory_iterator(folder.path())) all += bytes_of_file(entry.path());
  return all;
}

}  // namespace

TEST_CASE("what is forgotten is gone from every byte, listed by nothing, and never asked again", "[contract][forget]") {
  Place place;
  fill_with_secrets(place);
  REQUIRE(all_bytes_in(place.folder).find(kSecret) != std::string::npos);
  const auto forget = [&](const ToForget& what, bool dry_run) {
    return place.corpora.forget(place.path(), what, {"forget", "forget", "0.1.0", "host", Json::object()}, dry_run);
  };
  const ToForget what{{}, kSecret, "asked to, ticket 12"};
  const auto listed = forget(what, true);
  REQUIRE_OK(listed);
  REQUIRE(listed->size() == 2);
  CHECK((*listed)[0].responses == std::vector<RowId>{301, 302});
  CHECK((*listed)[1].responses == std::vector<RowId>{303});
  CHECK(all_bytes_in(place.folder).find(kSecret) != std::string::npos);
  CHECK(pairs_of(place.corpora, place.path()).size() == 503);

  REQUIRE_OK(forget(what, false));
  CHECK(all_bytes_in(place.folder).find(kSecret) == std::string::npos);
  CHECK(pairs_of(place.corpora, place.path()).size() == 500);
  auto reader = place.corpora.read(place.path());
  REQUIRE_OK(reader);
  const auto shown = (*reader)->pair(301);
  REQUIRE_FALSE(shown);
  CHECK(shown.error().code == Errc::usage);
  CHECK(shown.error().message.find("forgotten on 20") != std::string::npos);
  CHECK(shown.error().message.find("ticket 12") != std::string::npos);
  REQUIRE_OK((*reader)->pair(300));
  reader->reset();
  CHECK(place.findings().empty());

  // The same questions come again, with all their content, and another sample of one of them.
  RequestSpec asked = spec(std::string("who is \"") + kSecret + "\"\n?", 301);
  asked.prompt.reference = std::string("it is ") + kSecret;
  asked.prompt.metadata = {{"name", kSecret}};
  RequestSpec new_sample = asked;
  new_sample.digest += "t";
  new_sample.sample = 2;
  LogDriver driver(place.corpora, place.path());
  for (const RequestSpec& one : {asked, new_sample}) {
    const RequestState state = driver.registered(one);
    CHECK(state.status == RequestStatus::answered);
    CHECK_FALSE(state.truncated);
  }
  driver.close();
  CHECK(all_bytes_in(place.folder).find(kSecret) == std::string::npos);
  const auto again = forget({{301}, "", "again"}, false);
  REQUIRE_OK(again);
  REQUIRE(again->size() == 1);
  CHECK(again->front().before);
  CHECK(place.findings().empty());
}

TEST_CASE("forgetting is refused during a harvest, and for what is not there", "[contract][forget]") {
  Place place;
  fill(place, 5);
  const std::string before = bytes_of_file(place.path());
  const auto unknown = place.corpora.forget(place.path(), {{2, 99}, "", "why"}, run_start(), false);
  REQUIRE_FALSE(unknown);
  CHECK(unknown.error().code == Errc::usage);
  CHECK(unknown.error().message.find("99") != std::string::npos);
  CHECK(pairs_of(place.corpora, place.path()).size() == 4);
  LogDriver driver(place.corpora, place.path());
  const auto refused = place.corpora.forget(place.path(), {{2}, "", "why"}, run_start(), false);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == Errc::corpus);
  driver.close();
  CHECK(pairs_of(place.corpora, place.path()).size() == 4);
}

TEST_CASE("a reader in the way of erasing is told of, and the same call finishes later", "[contract][forget]") {
  Place place;
  fill(place, 5);
  auto shell = Connection::open(place.path(), Connection::Mode::write);
  REQUIRE_OK(shell);
  REQUIRE_OK((*shell)->script("BEGIN; SELECT count(*) FROM response;"));
  const auto blocked = place.corpora.forget(place.path(), {{2}, "", "why"}, run_start(), false);
  REQUIRE_FALSE(blocked);
  CHECK(blocked.error().message.find("run the same command again") != std::string::npos);
  REQUIRE_OK((*shell)->script("COMMIT"));
  shell->reset();
  REQUIRE_OK(place.corpora.forget(place.path(), {{2}, "", "why"}, run_start(), false));
  CHECK(all_bytes_in(place.folder).find("question 1\"") == std::string::npos);
}

}  // namespace retort::test
