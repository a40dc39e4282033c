// Joining corpora: everything comes over once, with its terms, and nothing that either side forgot comes back.
#include "storage/merge.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "core/base/clock.h"
#include "storage/connection.h"
#include "storage/merge_step.h"
#include "storage/sqlite_corpora.h"
#include "tests/contract/corpus_driver.h"

namespace retort::test {
namespace {

IdentityDigests digests() {
  return {[](const std::string& dialect, const std::string& model, const Messages& messages, const Json& parameters,
             int sample) {
    return request_digest({dialect, model, messages, parameters, sample});
  }};
}

struct Shelf {
  std::string path(const std::string& name) const { return folder.file(name); }

  Result<std::vector<MergedSource>> merge(
      std::vector<std::string> sources, const std::string& into,
      const std::function<bool()>& stopped = [] { return false; }) {
    for (std::string& source : sources) source = path(source);
    return merge_corpora(clock, {sources, path(into), digests(), {"merge", "merge", "0.1.0", "host", {}}, stopped});
  }
  std::int64_t number(const std::string& name, const char* sql) const {
    auto connection = Connection::open(path(name), Connection::Mode::write);
    REQUIRE_OK(connection);
    REQUIRE_OK((*connection)->script("PRAGMA trusted_schema = ON"));  // the views read JSON
    const auto found = (*connection)->number(sql);
    REQUIRE_OK(found);
    return *found;
  }
  void change(const std::string& name, const char* sql) const {
    auto connection = Connection::open(path(name), Connection::Mode::write);
    REQUIRE_OK(connection);
    REQUIRE_OK((*connection)->script(sql));
  }
  void check_sound(const std::string& name) {
    const auto checkup = corpora.check(path(name), digests(), [](const Finding& one) {
      CAPTURE(one.line);
      CHECK_FALSE(one.damage);
    });
    REQUIRE_OK(checkup);
    CHECK_FALSE(checkup->damaged);
  }
  /// Answers to questions first to last, each with that mark in it.
  void fill(const std::string& name, int first, int last, const std::string& mark, Finish finish = Finish::stop) {
    LogDriver driver(corpora, path(name));
    for (int i = first; i <= last; ++i)
      driver.ask(spec("question " + std::to_string(i), i), mark + std::to_string(i), finish);
    driver.close();
  }

  Folder folder;
  SystemClock clock;
  SqliteCorpora corpora{clock};
};

}  // namespace

TEST_CASE("corpora are joined: each request once, second answers as samples", "[contract][merge]") {
  Shelf shelf;
  shelf.fill("a.db", 1, 10, "a");
  shelf.fill("b.db", 6, 20, "b");
  const auto merged = shelf.merge({"a.db", "b.db"}, "c.db");
  REQUIRE_OK(merged);
  REQUIRE(merged->size() == 2);
  CHECK((*merged)[1].prompts == 10);
  CHECK((*merged)[1].responses == 15);
  CHECK((*merged)[1].as_samples == 5);
  CHECK(shelf.number("c.db", "SELECT count(*) FROM prompt") == 20);
  CHECK(shelf.number("c.db", "SELECT count(*) FROM \"all\"") == 25);
  CHECK(shelf.number("c.db", "SELECT count(*) FROM raw") == 25);
  CHECK(shelf.number("c.db", "SELECT count(*) FROM request WHERE sample = 1") == 5);
  CHECK(shelf.number("c.db", "SELECT count(*) FROM \"all\" WHERE answer = 'b6' AND sample = 1") == 1);
  CHECK(shelf.number("c.db", "SELECT count(*) FROM teacher") == 1);
  CHECK(shelf.number("c.db", "SELECT count(*) FROM terms") == 1);
  shelf.check_sound("c.db");

  // Merging again, in any order, adds nothing.
  for (const std::vector<std::string>& again : {std::vector<std::string>{"b.db"}, {"b.db", "a.db"}, {"a.db"}}) {
    const auto second = shelf.merge(again, "c.db");
    REQUIRE_OK(second);
    for (const MergedSource& one : *second) {
      CHECK(one.prompts + one.requests + one.attempts + one.responses + one.as_samples == 0);
      CHECK(one.known > 0);
    }
    CHECK(shelf.number("c.db", "SELECT count(*) FROM \"all\"") == 25);
  }
  shelf.check_sound("c.db");
  CHECK(shelf.number("a.db", "SELECT count(*) FROM response") == 10);  // what was read is as it was
}

TEST_CASE("a copy that went on is joined with what it was copied from", "[contract][merge]") {
  Shelf shelf;
  shelf.fill("a.db", 1, 5, "a");
  REQUIRE_OK(shelf.corpora.snapshot(shelf.path("a.db"), shelf.path("b.db"), [] { return false; }));
  shelf.fill("b.db", 6, 8, "a");
  shelf.fill("a.db", 9, 9, "a");
  const auto merged = shelf.merge({"b.db"}, "a.db");
  REQUIRE_OK(merged);
  CHECK((*merged)[0].known == 5);
  CHECK((*merged)[0].responses == 3);
  CHECK((*merged)[0].as_samples == 0);
  CHECK(shelf.number("a.db", "SELECT count(*) FROM \"all\"") == 9);
  shelf.check_sound("a.db");
}

TEST_CASE("a whole answer takes the place of a cut one; a cut one does not take that of a whole one",
          "[contract][merge]") {
  for (const bool cut_first : {true, false}) {
    Shelf shelf;
    shelf.fill("a.db", 1, 1, "a", cut_first ? Finish::length : Finish::stop);
    shelf.fill("b.db", 1, 1, "b", cut_first ? Finish::stop : Finish::length);
    REQUIRE_OK(shelf.merge({"a.db", "b.db"}, "c.db"));
    CHECK(shelf.number("c.db", "SELECT count(*) FROM request") == (cut_first ? 1 : 2));
    CHECK(shelf.number("c.db", "SELECT count(*) FROM request WHERE sample = 0 AND NOT truncated") == 1);
    CHECK(shelf.number("c.db", "SELECT count(*) FROM response") == 2);
    CHECK(shelf.number("c.db", "SELECT count(*) FROM \"all\"") == 1);
    shelf.check_sound("c.db");
  }
}

TEST_CASE("terms come along as they held, and statements do not", "[contract][merge]") {
  Shelf shelf;
  shelf.fill("a.db", 1, 3, "a");
  {
    Terms unknown = terms();
    unknown.outputs_may_train.reset();
    LogDriver driver(shelf.corpora, shelf.path("b.db"), teacher(), unknown);
    for (int i = 4; i <= 6; ++i) driver.ask(spec("question " + std::to_string(i), i), "b");
    driver.close();
  }
  REQUIRE_OK(shelf.corpora.record(shelf.path("a.db"), run_start(), {}, {{"permission", "ours alone"}}));
  {
    Terms forbidding = terms();
    forbidding.outputs_may_train = false;
    LogDriver driver(shelf.corpora, shelf.path("d.db"), teacher(), forbidding);
    driver.ask(spec("question 7", 7), "d");
    driver.close();
    REQUIRE_OK(shelf.corpora.amend_terms(shelf.path("d.db"), "r1", terms(), "they wrote to us", run_start()));
    LogDriver later(shelf.corpora, shelf.path("d.db"), teacher(), forbidding);
    later.ask(spec("question 8", 8), "d");
    later.close();
  }
  const auto merged = shelf.merge({"a.db", "b.db", "d.db"}, "c.db");
  REQUIRE_OK(merged);
  REQUIRE((*merged)[0].statements.size() == 1);
  CHECK((*merged)[0].statements[0].statement == "ours alone");
  CHECK(shelf.number("c.db", "SELECT count(*) FROM permission") == 0);
  CHECK(shelf.number("c.db", "SELECT count(*) FROM run WHERE command = 'merge' AND summary LIKE '%ours alone%'") == 1);

  auto reader = shelf.corpora.read(shelf.path("c.db"));
  REQUIRE_OK(reader);
  const auto pairs = (*reader)->pairs_after(0, 100);
  REQUIRE_OK(pairs);
  std::string words;
  for (const Pair& pair : *pairs)
    words += !pair.rights.outputs_may_train ? "?" : *pair.rights.outputs_may_train ? "y" : "n";
  CHECK(words == "yyy???yn");
  const auto statements = (*reader)->permissions();
  REQUIRE_OK(statements);
  REQUIRE(statements->size() == 1);
  CHECK((*statements)[0].kind == "amendment");
}

TEST_CASE("what one side forgot is forgotten in the whole", "[contract][merge]") {
  Shelf shelf;
  shelf.fill("a.db", 1, 6, "secret-a");
  shelf.fill("b.db", 4, 9, "secret-b");
  const auto forget = [&](const std::string& name, RowId response) {
    REQUIRE_OK(shelf.corpora.forget(shelf.path(name), {{response}, "", "asked to"}, run_start(), false));
  };
  forget("a.db", 4);  // question 4: b still has it
  forget("b.db", 2);  // question 5: a still has it
  forget("b.db", 6);  // question 9: a never had it
  const auto merged = shelf.merge({"a.db", "b.db"}, "c.db");
  REQUIRE_OK(merged);
  CHECK((*merged)[1].forgotten == 2);
  CHECK(shelf.number("c.db", "SELECT count(*) FROM tombstone") == 3);
  CHECK(shelf.number("c.db", "SELECT count(*) FROM \"all\" WHERE prompt LIKE '%question 4%'") == 0);
  CHECK(shelf.number("c.db", "SELECT count(*) FROM \"all\" WHERE prompt LIKE '%question 5%'") == 0);
  // 1, 2, 3, 6 twice, 7, 8
  CHECK(shelf.number("c.db", "SELECT count(*) FROM \"all\"") == 7);
  shelf.check_sound("c.db");
  std::ifstream file(shelf.path("c.db"), std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(file), {}};
  for (const char* gone : {"secret-a4", "secret-b4", "secret-a5", "secret-b5", "secret-b9"})
    CHECK(bytes.find(gone) == std::string::npos);
  // And stays so.
  REQUIRE_OK(shelf.merge({"a.db", "b.db"}, "c.db"));
  CHECK(shelf.number("c.db", "SELECT count(*) FROM \"all\"") == 7);
  CHECK(shelf.number("c.db", "SELECT count(*) FROM tombstone") == 3);
  // A harvest asks none of it again.
  LogDriver driver(shelf.corpora, shelf.path("c.db"));
  CHECK(driver.registered(spec("question 9", 9)).status == RequestStatus::answered);
  driver.close();
}

TEST_CASE("labels come along, and what was on its way counts as possibly delivered", "[contract][merge]") {
  Shelf shelf;
  shelf.fill("a.db", 1, 2, "a");
  shelf.fill("b.db", 3, 5, "b");
  shelf.change("b.db",
               "INSERT INTO stage (digest, name, settings) VALUES ('d', 'verify', '{}');"
               "INSERT INTO label (stage_id, response_id, input, value, reason) VALUES (1, 2, 'i', 'right', '');"
               "INSERT INTO attempt (request_id, run_id, outcome, begun_at) VALUES (1, 1, 'sent', '2026-01-01');"
               "UPDATE run SET state = 'running'");
  REQUIRE_OK(shelf.merge({"a.db", "b.db"}, "c.db"));
  CHECK(shelf.number("c.db", "SELECT count(*) FROM label JOIN pairs USING (response_id) WHERE answer = 'b4'") == 1);
  CHECK(shelf.number("c.db", "SELECT count(*) FROM attempt WHERE outcome = 'delivery_unknown' AND possibly_billed") ==
        1);
  CHECK(shelf.number("c.db", "SELECT count(*) FROM run WHERE state = 'running'") == 0);
  shelf.check_sound("c.db");
}

TEST_CASE("a batch that is over comes along; one under way stops the merge", "[contract][merge]") {
  Shelf shelf;
  shelf.fill("a.db", 1, 2, "a");
  shelf.fill("b.db", 3, 5, "b");
  shelf.change("b.db",
               "INSERT INTO batch (key, teacher_id, run_id, state, begun_at) VALUES ('gone', 1, 1, 'planned', ''), "
               "('k', 1, 1, 'submitted', '2026-01-01');"
               "INSERT INTO attempt (request_id, run_id, outcome, begun_at, batch_id) VALUES (1, 1, 'unsent', "
               "'2026-01-01', 1), (2, 1, 'failed', '2026-01-01', 2);"
               "UPDATE request SET batch_id = 1 WHERE id = 1; UPDATE run SET state = 'crashed'");
  for (const std::vector<std::string>& order : {std::vector<std::string>{"a.db", "b.db"}, {"b.db", "a.db"}}) {
    const auto refused = shelf.merge(order, "c.db");
    CHECK(refused.error().code == Errc::corpus);
    CHECK(refused.error().message.find("1 batch is under way") != std::string::npos);
  }
  CHECK(shelf.merge({"a.db"}, "b.db").error().code == Errc::corpus);
  CHECK_FALSE(std::filesystem::exists(shelf.path("c.db")));
  shelf.change("b.db", "UPDATE batch SET state = 'collected' WHERE key = 'k'");
  for (int i = 0; i < 2; ++i) REQUIRE_OK(shelf.merge({"a.db", "b.db"}, "c.db"));
  CHECK(shelf.number("c.db", "SELECT count(*) FROM batch") == 1);
  CHECK(shelf.number("c.db", "SELECT count(*) FROM attempt") == 6);
  CHECK(shelf.number("c.db", "SELECT count(*) FROM attempt JOIN batch ON batch.id = batch_id WHERE key = 'k'") == 1);
  CHECK(shelf.number("c.db", "SELECT count(*) FROM request WHERE batch_id IS NOT NULL") == 0);
  shelf.check_sound("c.db");
}

TEST_CASE("roles and made prompts come along", "[contract][merge]") {
  Shelf shelf;
  shelf.fill("a.db", 1, 3, "a", Finish::length);
  shelf.fill("b.db", 3, 5, "b");
  shelf.change("a.db", "UPDATE request SET role = 'judge' WHERE id > 1");
  shelf.change(
      "b.db",
      "UPDATE request SET role = 'maker' WHERE id = 3;"
      "INSERT INTO made_prompt (digest, response_id, method, parents, run_id) VALUES ('d', 3, 'self-instruct', "
      "'[]', 1)");
  for (int i = 0; i < 2; ++i) REQUIRE_OK(shelf.merge({"a.db", "b.db"}, "c.db"));
  // Question 3 was a judge's in the one, and anybody's in the other.
  CHECK(shelf.number("c.db", "SELECT count(*) FROM request WHERE role = 'judge'") == 1);
  CHECK(shelf.number("c.db", "SELECT count(*) FROM request WHERE role = 'maker'") == 1);
  CHECK(shelf.number("c.db", "SELECT count(*) FROM made_prompt") == 1);
  CHECK(shelf.number("c.db",
                     "SELECT count(*) FROM made_prompt JOIN response ON response.id = response_id WHERE text = "
                     "'b5'") == 1);
  shelf.check_sound("c.db");
}

TEST_CASE("every table and every reference of the schema is known to merging", "[contract][merge]") {
  Shelf shelf;
  shelf.fill("a.db", 1, 1, "a");
  const auto connection = Connection::open(shelf.path("a.db"), Connection::Mode::write);
  REQUIRE_OK(connection);
  std::vector<std::string> merged(kMergedTables.begin(), kMergedTables.end());
  std::vector<std::string> known = merged;
  known.insert(known.end(), kLeftBehindTables.begin(), kLeftBehindTables.end());
  std::vector<std::string> there;
  Rows tables = (*connection)->query("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%'");
  while (tables.next()) there.push_back(tables.text(0));
  REQUIRE_OK(tables.status());
  std::sort(known.begin(), known.end());
  std::sort(there.begin(), there.end());
  CHECK(there == known);
  // A number that is another row's is declared as a reference: what is copied is told by that.
  for (const std::string& table : merged) {
    CAPTURE(table);
    Rows loose = (*connection)
                     ->query(
                         "SELECT name FROM pragma_table_info(?1) WHERE type = 'INTEGER' AND name LIKE '%\\_id' ESCAPE "
                         "'\\' AND name NOT "
                         "IN (SELECT \"from\" FROM pragma_foreign_key_list(?1))",
                         table);
    CHECK_FALSE(loose.next());
  }
}

TEST_CASE("a merge that is stopped at any step leaves nothing", "[contract][merge]") {
  Shelf shelf;
  shelf.fill("a.db", 1, 3, "a");
  shelf.fill("b.db", 2, 5, "b");
  shelf.fill("old.db", 1, 1, "o");
  int steps = 0;
  for (int stop_at = 1; stop_at < 1000; ++stop_at) {
    steps = 0;
    const auto merged = shelf.merge({"a.db", "b.db"}, "new.db", [&] { return ++steps >= stop_at; });
    if (merged) break;
    CHECK(merged.error().code == Errc::interrupted);
    std::vector<std::string> left;
    for (const auto& entry : std::filesystem::directory_iterator(shelf.folder.path())) {
      if (entry.path().filename().string().rfind("new.db", 0) == 0) left.push_back(entry.path().filename().string());
    }
    CHECK((left.empty() || left == std::vector<std::string>{"new.db.lock"}));
  }
  CHECK(steps > 20);
  steps = 0;
  const auto halfway = shelf.merge({"a.db", "b.db"}, "old.db", [&] { return ++steps >= 30; });
  CHECK_FALSE(halfway);
  CHECK(shelf.number("old.db", "SELECT count(*) FROM prompt") == 1);
  CHECK(shelf.number("old.db", "SELECT count(*) FROM run") == 1);
}

TEST_CASE("what cannot be merged is named", "[contract][merge]") {
  Shelf shelf;
  shelf.fill("a.db", 1, 1, "a");
  CHECK(shelf.merge({"nowhere.db"}, "c.db").error().code == Errc::usage);
  CHECK(shelf.merge({"a.db"}, "a.db").error().code == Errc::usage);
  LogDriver driver(shelf.corpora, shelf.path("b.db"));
  const auto busy = shelf.merge({"a.db", "b.db"}, "c.db");
  CHECK(busy.error().code == Errc::corpus);
  CHECK(busy.error().message.find("a harvest is writing") != std::string::npos);
  driver.close();
  CHECK_FALSE(std::filesystem::exists(shelf.path("c.db")));
}

}  // namespace retort::test
