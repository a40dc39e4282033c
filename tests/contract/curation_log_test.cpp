// What curation remembers, over the real file: labels once, views whole or not at all, wants, amendments, graves.
#include "core/base/clock.h"
#include "core/corpus/content_digest.h"
#include "storage/sqlite_corpora.h"
#include "tests/contract/corpus_driver.h"
#include "tests/contract/sql_number.h"

namespace retort::test {
namespace {

struct Curated {
  Curated() : path(folder.file("corpus.db")) {
    LogDriver driver(corpora, path);
    for (int i = 1; i <= 4; ++i) driver.ask(spec("q" + std::to_string(i), i), "a" + std::to_string(i));
    driver.close();
  }
  std::unique_ptr<CurationLog> log() {
    auto opened = corpora.curate(path, run_start());
    REQUIRE_OK(opened);
    return std::move(*opened);
  }
  std::unique_ptr<CorpusReader> reader() {
    auto opened = corpora.read(path);
    REQUIRE_OK(opened);
    return std::move(*opened);
  }
  RowId store_view(const std::string& digest, const std::vector<ViewEntry>& entries) {
    const auto writer = log();
    ViewRecord record;
    record.name = "v";
    record.recipe = {{"stage", Json::array()}};
    record.frozen_at = 4;
    const auto id = writer->begin_view(record);
    REQUIRE_OK(id);
    REQUIRE_OK(writer->add(*id, 1, entries));
    record.digest = digest;
    record.pairs = static_cast<std::int64_t>(entries.size());
    record.parts = {{"train", record.pairs}};
    record.funnel = Json::array();
    REQUIRE_OK(writer->end_view(*id, record));
    REQUIRE_OK(writer->close({0, {}, nullptr}));
    return *id;
  }

  Folder folder;
  SystemClock clock;
  SqliteCorpora corpora{clock};
  std::string path;
};

}  // namespace

TEST_CASE("labels are kept, the newest for a response counts", "[contract][curate]") {
  Curated corpus;
  const auto log = corpus.log();
  const auto stage = log->stage({"digest-1", "verify", {{"grader", "exact"}}});
  REQUIRE_OK(stage);
  CHECK(*log->stage({"digest-1", "verify", Json::object()}) == *stage);
  const std::vector<std::pair<RowId, StoredLabel>> labels = {{*stage, {1, "i", "right", 1.0, ""}},
                                                             {*stage, {3, "i", "wrong", {}, "5 is not 4"}},
                                                             {*stage, {3, "j", "right", 1.0, "mended"}}};
  REQUIRE_OK(log->put(labels));
  const auto found = log->labels(*stage, 2, 4);
  REQUIRE_OK(found);
  REQUIRE(found->size() == 1);
  CHECK(found->at(0).input == "j");
  CHECK(found->at(0).value == "right");
  CHECK(log->labels(*stage, 1, 4)->size() == 2);
}

TEST_CASE("a view is there whole or not at all, and earlier ones stay", "[contract][curate]") {
  Curated corpus;
  {
    const auto log = corpus.log();  // and then a crash
    ViewRecord record;
    record.name = "v";
    const auto id = log->begin_view(record);
    REQUIRE_OK(id);
    const std::vector<ViewEntry> entries = {{1, 0, "train"}};
    REQUIRE_OK(log->add(*id, 1, entries));
  }
  CHECK_FALSE(corpus.reader()->view("v")->has_value());
  corpus.store_view("one", {{1, 0, "train"}});
  const RowId newest = corpus.store_view("two", {{2, 4, "train"}, {3, 0, "test"}});
  const auto reader = corpus.reader();
  CHECK(reader->view("v")->value().digest == "two");
  CHECK(reader->view_of_digest("v", "one")->value().pairs == 1);
  CHECK(reader->views()->size() == 1);
  const auto pairs = reader->view_pairs_after(newest, 0, "", 10);
  REQUIRE_OK(pairs);
  REQUIRE(pairs->size() == 2);
  CHECK(pairs->at(0).pair.answer.text == "a2");
  CHECK(pairs->at(0).rejected->answer.text == "a4");
  CHECK_FALSE(pairs->at(1).rejected.has_value());
  CHECK(reader->view_pairs_after(newest, 0, "test", 10)->size() == 1);
  CHECK(reader->view_pairs_after(newest, 1, "", 10)->size() == 1);
}

TEST_CASE("a forgotten response leaves its digest for what was made before", "[contract][curate]") {
  Curated corpus;
  const RowId view = corpus.store_view("one", {{1, 0, "train"}, {2, 0, "train"}});
  const std::string before = content_digest(*corpus.reader()->pair(2));
  REQUIRE_OK(corpus.corpora.forget(corpus.path, {{2}, "", "asked to"}, run_start(), false));
  const auto pairs = corpus.reader()->view_pairs_after(view, 0, "", 10);
  REQUIRE_OK(pairs);
  REQUIRE(pairs->size() == 2);
  CHECK_FALSE(pairs->at(0).forgotten);
  CHECK(pairs->at(1).forgotten);
  CHECK(pairs->at(1).content == before);
  CHECK(pairs->at(1).pair.answer.text == "");
}

TEST_CASE("amended terms hold for what was answered so far, and for nothing later", "[contract][curate]") {
  Curated corpus;
  Terms forbidden = terms();
  forbidden.outputs_may_train = false;
  CHECK_FALSE(corpus.corpora.amend_terms(corpus.path, "nobody", forbidden, "Ada", run_start()));
  const auto covered = corpus.corpora.amend_terms(corpus.path, "r1", forbidden, "Ada, 2026-11-22", run_start());
  REQUIRE_OK(covered);
  CHECK(*covered == 4);
  LogDriver driver(corpus.corpora, corpus.path);
  driver.ask(spec("later", 9), "a5");
  driver.close();
  const auto pairs = pairs_of(corpus.corpora, corpus.path);
  REQUIRE(pairs.size() == 5);
  CHECK(pairs[0].rights.outputs_may_train == false);
  CHECK(pairs[4].rights.outputs_may_train == true);
  // Who reads the views with plain SQL is told the same, by the newest of two amendments.
  constexpr char kForbidden[] =
      "SELECT count(*) FROM pairs WHERE response_id <= 4 AND outputs_may_train = 'no' AND amended = 'Ada, 2026-11-22'";
  constexpr char kAsObtained[] =
      "SELECT count(*) FROM \"all\" WHERE response_id = 5 AND outputs_may_train = 'yes' AND amended IS NULL";
  CHECK(sql_number(corpus.path, kForbidden) == 4);
  CHECK(sql_number(corpus.path, kAsObtained) == 1);
  Terms unknown = forbidden;
  unknown.outputs_may_train.reset();
  REQUIRE_OK(corpus.corpora.amend_terms(corpus.path, "r1", unknown, "Ada, letter 4", run_start()));
  CHECK(sql_number(corpus.path, "SELECT count(*) FROM \"all\" WHERE outputs_may_train = 'unknown'") == 5);
  const auto statements = corpus.reader()->permissions();
  REQUIRE_OK(statements);
  REQUIRE(statements->size() == 2);
  CHECK(statements->at(0).kind == "amendment");
}

TEST_CASE("the ledger of runs tells answered from wasted", "[contract][curate]") {
  Curated corpus;
  {
    LogDriver driver(corpus.corpora, corpus.path);
    driver.ask(spec("long", 7), "cut", Finish::length);
    const RowId request = driver.registered(spec("bad", 8)).request;
    driver.ended(no_answer(driver.begun(request), request, AttemptOutcome::failed, "http_500"));
    driver.close();
  }
  const auto runs = corpus.reader()->runs();
  REQUIRE_OK(runs);
  REQUIRE(runs->size() == 2);
  CHECK(runs->at(0).answered == 4);
  CHECK(runs->at(1).attempts == 2);
  CHECK(runs->at(1).truncated == 1);
  CHECK(runs->at(1).failed == 1);
  CHECK(runs->at(1).truncated_cost == runs->at(1).cost);
  CHECK(runs->at(0).output == 88);
  CHECK(corpus.reader()->samples_after(0, 10)->size() == 6);
}

}  // namespace retort::test
