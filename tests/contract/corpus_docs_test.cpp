// docs/corpus.md is the corpus' public interface: its examples run, and it names everything there is.
#include <fstream>
#include <iterator>

#include "core/base/clock.h"
#include "core/corpus/batch.h"
#include "storage/batch_corpora.h"
#include "storage/connection.h"
#include "storage/migrations.h"
#include "storage/sqlite_corpora.h"
#include "tests/contract/corpus_driver.h"

namespace retort::test {
namespace {

std::string page() {
  std::ifstream file(std::string(RETORT_SOURCE_DIR) + "/docs/corpus.md");
  REQUIRE(file.good());
  return {std::istreambuf_iterator<char>(file), {}};
}

std::vector<std::string> examples(const std::string& text) {
  std::vector<std::string> found;
  const std::string opening = "```sql\n";
  for (std::size_t at = text.find(opening); at != std::string::npos; at = text.find(opening, at + 1)) {
    const std::size_t begin = at + opening.size();
    found.push_back(text.substr(begin, text.find("```", begin) - begin));
  }
  return found;
}

// As sqlite3 and its kin open a file: they trust the schema, whose views use JSON functions.
std::unique_ptr<Connection> opened_as_by_a_shell(const std::string& path) {
  auto connection = Connection::open(path, Connection::Mode::write);
  REQUIRE_OK(connection);
  REQUIRE_OK((*connection)->script("PRAGMA trusted_schema = ON;"));
  return std::move(*connection);
}

// A little of everything, made through the ports.
void make_corpus(const std::string& path) {
  SystemClock clock;
  SqliteCorpora corpora(clock);
  LogDriver driver(corpora, path);
  RequestSpec sum = spec("2 + 2");
  sum.prompt.reference = "4";
  sum.prompt.metadata = {{"family", "sum"}};
  driver.ask(sum, "It is 4");
  driver.ask(spec("long", 2), "cut", Finish::length);
  const RowId request = driver.registered(spec("c", 3)).request;
  driver.ended(no_answer(driver.begun(request), request, AttemptOutcome::failed, "http_500"));
  driver.ask(spec("forget me", 4), "done");
  const RowId weighed = driver.registered(spec("weighed", 5)).request;
  AttemptEnd end = answer(driver.begun(weighed), weighed, "ab");
  end.response->logprobs = {{"a", -0.5F, {{"a", -0.5F}, {"c", -1.5F}}}, {"b", -0.25F, {}}};
  driver.ended(end);
  driver.close();
  {
    auto log = SqliteBatchCorpora(clock).batch(path, teacher(), terms(), run_start());
    REQUIRE_OK(log);
    const auto asked = (*log)->look_up(Register{{spec("in a batch", 6)}});
    const auto batch = (*log)->open("key");
    REQUIRE_OK(asked);
    REQUIRE_OK(batch);
    REQUIRE_OK((*log)->begin(*batch, {{asked->states.at(0).request, {}}}));
    BatchChange change;
    change.state = BatchState::creating;
    REQUIRE_OK((*log)->change(*batch, change));
    REQUIRE_OK((*log)->close({}));
  }
  REQUIRE_OK(corpora.amend_terms(path, "r1", terms(), "Ada, 2026-11-22", run_start()));
  {
    auto log = corpora.curate(path, run_start());
    REQUIRE_OK(log);
    const auto stage = (*log)->stage({"digest", "verify", {{"grader", "exact"}}});
    REQUIRE_OK(stage);
    const std::vector<std::pair<RowId, StoredLabel>> labels = {{*stage, {1, "input", "right", 1.0, "4 is 4"}}};
    REQUIRE_OK((*log)->put(labels));
    ViewRecord view;
    view.name = "clean";
    view.recipe = view.funnel = Json::object();
    view.digest = "digest";
    view.pairs = 1;
    const auto id = (*log)->begin_view(view);
    REQUIRE_OK(id);
    const std::vector<ViewEntry> entries = {{1, 0, "train"}};
    const std::vector<ViewDrop> drops = {{2, "verify", "wrong"}};
    const std::vector<Want> wants = {{1, 4, 0.5, "1 of 2 right"}};
    REQUIRE_OK((*log)->add(*id, 1, entries));
    REQUIRE_OK((*log)->add(*id, drops));
    REQUIRE_OK((*log)->end_view(*id, view));
    REQUIRE_OK((*log)->put(wants));
    const std::vector<MadePrompt> made = {{"digest", 1, "evolve", {"parent"}}};
    REQUIRE_OK((*log)->put(made));
    REQUIRE_OK((*log)->close({0, {}, nullptr}));
  }
  REQUIRE_OK(corpora.forget(path, {{3}, "", "asked to"}, run_start(), false));
  REQUIRE_OK(corpora.record(path, run_start(), {}, {{"permission", "Ada, 2026-11-22"}}));
}

std::string section_of(const std::string& text, const std::string& table) {
  const std::size_t begin = text.find("\n## " + table + "\n");
  if (begin == std::string::npos) return {};
  return text.substr(begin, text.find("\n## ", begin + 1) - begin);
}

}  // namespace

TEST_CASE("every example of docs/corpus.md runs and finds something", "[contract]") {
  Folder folder;
  const std::string path = folder.file("corpus.db");
  make_corpus(path);
  const auto connection = opened_as_by_a_shell(path);
  const std::vector<std::string> queries = examples(page());
  CHECK(queries.size() >= 10);
  for (const std::string& query : queries) {
    INFO(query);
    Rows rows = connection->query(query.c_str());
    CHECK(rows.next());
    REQUIRE_OK(rows.status());
  }
}

TEST_CASE("docs/corpus.md names every table and column", "[contract]") {
  Folder folder;
  const std::string path = folder.file("corpus.db");
  make_corpus(path);
  const auto connection = opened_as_by_a_shell(path);
  const std::string text = page();
  Rows columns = connection->query(
      "SELECT m.type, m.name, c.name FROM sqlite_master m JOIN pragma_table_info(m.name) c "
      "WHERE m.type IN ('table', 'view') AND m.name NOT LIKE 'sqlite_%' ORDER BY 2, 3");
  int seen = 0;
  while (columns.next()) {
    const std::string place = columns.text(0) == "view" ? "Views" : columns.text(1);
    INFO(columns.text(1) << "." << columns.text(2));
    CHECK(section_of(text, place).find("`" + columns.text(2) + "`") != std::string::npos);
    ++seen;
  }
  REQUIRE_OK(columns.status());
  CHECK(seen > 80);
  CHECK(text.find(std::to_string(kApplicationId)) != std::string::npos);
  CHECK(text.find("now " + std::to_string(migrations().back().version) + ".") != std::string::npos);
}

}  // namespace retort::test
