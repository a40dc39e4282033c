// The schema's history: appended, never edited, and every older corpus comes along.
#include "storage/migrations.h"

#include <array>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <string>

#include "core/base/clock.h"
#include "storage/sqlite_corpora.h"
#include "tests/contract/corpus_driver.h"

namespace retort::test {
namespace {

std::string snapshot(const std::string& name) {
  std::ifstream file(std::string(RETORT_SOURCE_DIR) + "/tests/unit/snapshots/" + name);
  REQUIRE(file.good());
  return {std::istreambuf_iterator<char>(file), {}};
}

std::unique_ptr<Connection> made_by(const std::string& path, const std::string& sql) {
  auto connection = Connection::open(path, Connection::Mode::create);
  REQUIRE_OK(connection);
  REQUIRE_OK((*connection)->script(sql.c_str()));
  return std::move(*connection);
}

std::set<std::string> schema_of(Connection& connection) {
  std::set<std::string> statements;
  Rows rows = connection.query("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL");
  while (rows.next()) statements.insert(rows.text(0));
  REQUIRE_OK(rows.status());
  return statements;
}

}  // namespace

TEST_CASE("migrations are numbered from 1 without gaps", "[unit]") {
  int expected = 1;
  for (const Migration& step : migrations()) CHECK(step.version == expected++);
}

TEST_CASE("the first migration is what it was", "[unit]") {
  Folder folder;
  const auto then = made_by(folder.file("then.db"), snapshot("corpus_v1.sql"));
  const auto now = made_by(folder.file("now.db"), "");
  REQUIRE_OK(migrate(*now, migrations().first(1)));
  CHECK(schema_of(*now) == schema_of(*then));
  CHECK(*now->number("PRAGMA user_version") == *then->number("PRAGMA user_version"));
  CHECK(*now->number("PRAGMA application_id") == *then->number("PRAGMA application_id"));
}

TEST_CASE("a corpus of version 1 can be read and harvested into", "[unit]") {
  Folder folder;
  SystemClock clock;
  SqliteCorpora corpora(clock);
  const std::string path = folder.file("corpus.db");
  made_by(path, snapshot("corpus_v1.sql"));
  const auto check_pair = [&] {
    const std::vector<Pair> pairs = pairs_of(corpora, path);
    REQUIRE(pairs.size() == 1);
    CHECK(pairs[0].answer.text == "4");
    CHECK(pairs[0].reference == "4");
    CHECK(pairs[0].cost == Usd::from_dollars(0.0001));
    CHECK(pairs[0].rights.outputs_may_train == true);
  };
  check_pair();
  LogDriver driver(corpora, path);
  CHECK(driver.recovery.delivery_unknown == 0);
  CHECK(driver.registered(spec("new")).first_seen);
  driver.close();
  check_pair();
}

TEST_CASE("the schema of version 3 is what it was, and comes along", "[unit]") {
  Folder folder;
  const auto then = made_by(folder.file("then.db"), snapshot("corpus_v3.sql"));
  const auto now = made_by(folder.file("now.db"), "");
  REQUIRE_OK(migrate(*now, migrations().first(3)));
  CHECK(schema_of(*now) == schema_of(*then));
  SystemClock clock;
  SqliteCorpora corpora(clock);
  const std::vector<Pair> pairs = pairs_of(corpora, folder.file("then.db"));
  REQUIRE(pairs.size() == 1);
  CHECK(pairs[0].answer.text == "4");
  CHECK(pairs[0].answer.is_answer());
  CHECK(pairs[0].logprob_tokens == 0);
}

TEST_CASE("the schema of version 5 is what it was, and comes along", "[unit]") {
  Folder folder;
  const auto then = made_by(folder.file("then.db"), snapshot("corpus_v5.sql"));
  const auto now = made_by(folder.file("now.db"), "");
  REQUIRE_OK(migrate(*now, migrations().first(5)));
  CHECK(schema_of(*now) == schema_of(*then));
  SystemClock clock;
  SqliteCorpora corpora(clock);
  const std::vector<Pair> pairs = pairs_of(corpora, folder.file("then.db"));
  REQUIRE(pairs.size() == 1);
  CHECK(pairs[0].answer.text == "4");
  LogDriver driver(corpora, folder.file("then.db"));
  CHECK(driver.registered(spec("new")).first_seen);
  driver.close();
}

TEST_CASE("the schema of version 6 is what it was, and comes along with its batches", "[unit]") {
  Folder folder;
  const auto then = made_by(folder.file("then.db"), snapshot("corpus_v6.sql"));
  const auto now = made_by(folder.file("now.db"), "");
  REQUIRE_OK(migrate(*now, migrations().first(6)));
  CHECK(schema_of(*now) == schema_of(*then));
  SystemClock clock;
  SqliteCorpora corpora(clock);
  LogDriver driver(corpora, folder.file("then.db"));
  CHECK(driver.registered(spec("new")).first_seen);
  driver.close();
  CHECK(pairs_of(corpora, folder.file("then.db")).size() == 1);
  CHECK(*then->number("SELECT count(*) FROM attempt JOIN batch ON batch.id = batch_id WHERE endpoint IS NULL") == 1);
}

TEST_CASE("the schema of version 8 is what it was, and its views learn to tell amended terms", "[unit]") {
  Folder folder;
  const auto then = made_by(folder.file("then.db"), snapshot("corpus_v8.sql"));
  const auto now = made_by(folder.file("now.db"), "");
  REQUIRE_OK(migrate(*now, migrations().first(8)));
  CHECK(schema_of(*now) == schema_of(*then));
  constexpr char kMayTrain[] = "SELECT count(*) FROM \"all\" WHERE licence = 'MIT' AND outputs_may_train = 'yes'";
  constexpr char kAmended[] =
      "SELECT count(*) FROM \"all\" WHERE licence = 'Another-1.0' AND outputs_may_train = 'no' "
      "AND amended = 'Ada, letter 3'";
  REQUIRE_OK(then->script("PRAGMA trusted_schema = ON"));  // the views read JSON, as a shell lets them
  CHECK(*then->number(kMayTrain) == 1);
  REQUIRE_OK(migrate(*then, migrations()));
  CHECK(*then->number(kMayTrain) == 0);
  CHECK(*then->number(kAmended) == 1);
  CHECK(*then->number("SELECT count(*) FROM response JOIN terms ON terms.id = terms_id WHERE licence = 'MIT'") == 1);
}

TEST_CASE("migrating applies what is missing, all or nothing", "[unit]") {
  constexpr std::array kSteps{Migration{1, "one", "CREATE TABLE a (x);"}, Migration{2, "two", "CREATE TABLE b (x);"}};
  constexpr std::array kBroken{kSteps[0], kSteps[1], Migration{3, "three", "CREATE TABLE c (x); CREATE TABLE a (x);"}};
  Folder folder;
  const auto connection = made_by(folder.file("corpus.db"), "");
  REQUIRE_OK(migrate(*connection, std::span(kSteps).first(1)));
  CHECK(*connection->number("PRAGMA user_version") == 1);
  REQUIRE_OK(migrate(*connection, kSteps));
  CHECK(*connection->number("PRAGMA user_version") == 2);
  CHECK(schema_of(*connection).size() == 2);
  CHECK_FALSE(migrate(*connection, kBroken));
  CHECK(*connection->number("PRAGMA user_version") == 2);
  CHECK(schema_of(*connection).size() == 2);
  const auto older = migrate(*connection, std::span(kSteps).first(1));
  REQUIRE_FALSE(older);
  CHECK(older.error().message.find("corpus version 2") != std::string::npos);
}

TEST_CASE("terms are never changed", "[unit]") {
  Folder folder;
  const auto connection = made_by(folder.file("corpus.db"), snapshot("corpus_v1.sql"));
  CHECK_FALSE(connection->script("UPDATE terms SET outputs_may_train = 0"));
  CHECK(*connection->number("SELECT outputs_may_train FROM terms") == 1);
}

}  // namespace retort::test
