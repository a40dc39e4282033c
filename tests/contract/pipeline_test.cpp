// The pipeline over a real corpus: the same view on any number of threads, after a stop midway, and twice.
#include "core/base/clock.h"
#include "core/curate/pipeline/recipe.h"
#include "core/curate/pipeline/wants.h"
#include "storage/sqlite_corpora.h"
#include "tests/contract/corpus_driver.h"

namespace retort::test {
namespace {

const Json kRecipe = {{"name", "r"},
                      {"stage",
                       {{{"stage", "finished"}},
                        {{"stage", "verify"}, {"grader", "exact"}},
                        {{"stage", "duplicates"}},
                        {{"stage", "length"}, {"of", "answer"}, {"max", 100}},
                        {{"stage", "per_prompt"}, {"max", 2}}}},
                      {"split", {{"validation", 0.3}}}};

struct Corpus {
  Corpus() : path(folder.file("corpus.db")) {
    LogDriver driver(corpora, path);
    for (int question = 0; question < 60; ++question) {
      for (int sample = 0; sample < 4; ++sample) {
        RequestSpec one = spec("What is " + std::to_string(question) + " + 1?", question + 1, sample);
        one.prompt.reference = std::to_string(question + 1);
        const bool right = sample != 1 && question % 7 != 0;
        driver.ask(one, sample == 3 ? "" : right ? one.prompt.reference : "no idea", Finish::stop);
      }
    }
    driver.close();
  }

  Result<CurateOutcome> run(
      const Json& table, int threads, std::function<bool()> stop = [] { return false; }) {
    auto recipe = recipe_of(table);
    REQUIRE_OK(recipe);
    auto pipeline = make_pipeline(*recipe, {});
    REQUIRE_OK(pipeline);
    auto reader = corpora.read(path);
    REQUIRE_OK(reader);
    auto log = corpora.curate(path, run_start());
    REQUIRE_OK(log);
    CurateSettings settings;
    settings.view = recipe->name;
    settings.pipeline.frozen_at = *(*reader)->newest_response();
    settings.pipeline.threads = threads;
    settings.pipeline.batch = 16;
    settings.pipeline.should_stop = std::move(stop);
    auto outcome = curate(**reader, **log, *recipe, *pipeline, settings);
    if (outcome && wants.verified > 0) {
      auto sampled = want_samples(**reader, **log, outcome->result, wants);
      REQUIRE_OK(sampled);
      report = *sampled;
    }
    return outcome;
  }

  Folder folder;
  SystemClock clock;
  SqliteCorpora corpora{clock};
  std::string path;
  WantSettings wants{0, 0};
  SamplingReport report;
};

std::int64_t judged(const CurateOutcome& outcome) {
  std::int64_t sum = 0;
  for (const FunnelLine& line : outcome.result.funnel) sum += line.judged;
  return sum;
}

}  // namespace

TEST_CASE("a view has one digest: on any threads, after a stop midway, and twice", "[contract][curate]") {
  Corpus straight, threaded, stopped;
  const auto first = straight.run(kRecipe, 1);
  REQUIRE_OK(first);
  CHECK(first->view.pairs > 20);
  CHECK(judged(*first) > 300);
  const auto second = threaded.run(kRecipe, 5);
  REQUIRE_OK(second);
  CHECK(second->view.digest == first->view.digest);
  CHECK(second->view.funnel == first->view.funnel);

  int turns = 0;
  const auto halted = stopped.run(kRecipe, 2, [&turns] { return ++turns > 9; });
  REQUIRE_FALSE(halted);
  CHECK(halted.error().code == Errc::interrupted);
  auto reader = stopped.corpora.read(stopped.path);
  CHECK_FALSE((*reader)->view("r")->has_value());
  const auto resumed = stopped.run(kRecipe, 3);
  REQUIRE_OK(resumed);
  CHECK(resumed->view.digest == first->view.digest);
  CHECK(judged(*resumed) < judged(*first));

  const auto again = straight.run(kRecipe, 3);
  REQUIRE_OK(again);
  CHECK(again->unchanged);
  CHECK(again->view.id == first->view.id);
  CHECK(judged(*again) == 0);
}

TEST_CASE("the funnel adds up, and every drop has a reason that can be looked up", "[contract][curate]") {
  Corpus corpus;
  const auto outcome = corpus.run(kRecipe, 2);
  REQUIRE_OK(outcome);
  std::int64_t in = 240;
  for (const FunnelLine& line : outcome->result.funnel) {
    CAPTURE(line.stage);
    CHECK(line.in == in);
    std::int64_t dropped = 0;
    for (const auto& [reason, count] : line.dropped) dropped += count;
    CHECK(line.in - dropped == line.out);
    in = line.out;
  }
  CHECK(in == outcome->view.pairs);
  CHECK(outcome->result.funnel[0].dropped.at("empty") == 60);
  CHECK(outcome->result.funnel[1].dropped.at("wrong") == 78);
  auto reader = corpus.corpora.read(corpus.path);
  const auto drop = (*reader)->dropped(outcome->view.id, 2);
  REQUIRE_OK(drop);
  REQUIRE(drop->has_value());
  CHECK((*drop)->stage == "verify");
  CHECK((*drop)->reason.rfind("wrong", 0) == 0);
  std::int64_t parts = 0;
  for (const auto& [part, count] : outcome->view.parts) parts += count;
  CHECK(parts == outcome->view.pairs);
  CHECK(outcome->view.parts.count("validation") == 1);
}

TEST_CASE("preference pairs set a right answer against a wrong one of the same prompt", "[contract][curate]") {
  Corpus corpus;
  const Json table = {
      {"name", "p"}, {"stage", {{{"stage", "finished"}}, {{"stage", "verify"}}}}, {"preference", {{"per_prompt", 4}}}};
  const auto outcome = corpus.run(table, 2);
  REQUIRE_OK(outcome);
  CHECK(outcome->view.pairs == 51);
  auto reader = corpus.corpora.read(corpus.path);
  const auto pairs = (*reader)->view_pairs_after(outcome->view.id, 0, "", 100);
  REQUIRE_OK(pairs);
  for (const ViewPair& one : *pairs) {
    REQUIRE(one.rejected.has_value());
    CHECK(one.pair.prompt == one.rejected->prompt);
    CHECK(one.rejected->answer.text == "no idea");
    CHECK(one.pair.answer.text == one.pair.reference);
  }
}

TEST_CASE("more samples are wanted only where too few are right, the likeliest first", "[contract][curate]") {
  Corpus corpus;
  corpus.wants = {3, 10};
  REQUIRE_OK(corpus.run(kRecipe, 2));
  // Graded: samples 0, 1, 2 of each; two are right unless the question is one of the nine that nobody gets.
  CHECK(corpus.report.prompts == 60);
  CHECK(corpus.report.satisfied == 0);
  CHECK(corpus.report.wanted_prompts == 60);
  CHECK(corpus.report.accepted == 102);
  corpus.wants = {2, 10};
  REQUIRE_OK(corpus.run(kRecipe, 2));
  CHECK(corpus.report.satisfied == 51);
  CHECK(corpus.report.wanted_prompts == 9);
  CHECK(corpus.report.wanted_samples <= 9 * 6);
  corpus.wants = {2, 4};
  REQUIRE_OK(corpus.run(kRecipe, 2));
  CHECK(corpus.report.exhausted == 9);
  CHECK(corpus.report.wanted_prompts == 0);
}

TEST_CASE("the pass rate is corrected for stopping", "[contract][curate]") {
  // Every sequence of a rate of 0.3, stopped at 2 right or after 5: the mean of the estimate is 0.3.
  double mean = 0, naive = 0;
  for (int bits = 0; bits < 32; ++bits) {
    std::vector<bool> seen;
    double chance = 1;
    int right = 0;
    for (int i = 0; i < 5; ++i) {
      const bool one = (bits >> i & 1) != 0;
      chance *= one ? 0.3 : 0.7;
      if (right < 2) {
        seen.push_back(one);
        right += one;
      }
    }
    mean += chance * unbiased_pass_rate(seen, 2);
    naive += chance * right / static_cast<double>(seen.size());
  }
  CHECK(std::abs(mean - 0.3) < 1e-12);
  CHECK(naive > 0.31);
}

TEST_CASE("a stage that finds nothing to choose by ends the work, and leaves no view", "[contract][curate]") {
  Corpus corpus;
  Json recipe = kRecipe;
  recipe["stage"].push_back({{"stage", "balance"}, {"field", "nofield"}});
  const auto outcome = corpus.run(recipe, 2);
  REQUIRE_FALSE(outcome);
  CHECK(outcome.error().code == Errc::usage);
  CHECK(outcome.error().message == "stage 'balance': no pair has the metadata field 'nofield'");
  const auto reader = corpus.corpora.read(corpus.path);
  REQUIRE_OK(reader);
  CHECK((*reader)->views()->empty());
}

TEST_CASE("what is wrong with a recipe is said by name", "[contract][curate]") {
  const auto message = [](const Json& table) {
    const auto recipe = recipe_of(table);
    if (!recipe) return recipe.error().message;
    const auto pipeline = make_pipeline(*recipe, {});
    return pipeline ? std::string() : pipeline.error().message;
  };
  const auto says = [&](const Json& table, const char* word) {
    CAPTURE(table.dump(), message(table));
    CHECK(message(table).find(word) != std::string::npos);
  };
  says({{"name", "a"}, {"stages", 1}}, "unknown key 'stages'");
  says({{"stage", Json::array()}}, "no name");
  says({{"name", "a"}, {"stage", {{{"stage", "nonsense"}}}}}, "unknown stage 'nonsense'");
  says({{"name", "a"}, {"stage", {{{"stage", "per_prompt"}, {"maximum", 1}}}}}, "unknown option 'maximum'");
  says({{"name", "a"}, {"stage", {{{"stage", "per_prompt"}, {"max", "1"}}}}}, "'max' must be a number");
  says({{"name", "a"}, {"split", {{"validation", 0.6}, {"test", 0.5}}}}, "nothing to train on");
  says({{"name", "a"}, {"preference", {{"per_prompt", 1}}}}, "a stage that verifies");
  CHECK(message(kRecipe) == "");

  // A stage that would do nothing, or drop all.
  const auto stage_says = [&](Json stage, const char* word) {
    says({{"name", "a"}, {"stage", {std::move(stage)}}}, word);
  };
  stage_says(
      {{"stage", "refusal"}, {"only", {"refusal", "refusall"}}},
      "'only' has 'refusall', which this audit never finds: it finds refusal, partial, deflection, content_filter");
  stage_says({{"stage", "length"}}, "'min' or 'max' is missing");
  stage_says({{"stage", "length"}, {"min", 9}, {"max", 2}}, "'min' is above 'max'");
  stage_says({{"stage", "length"}, {"of", "answr"}, {"max", 2}}, "'of' is \"answer\"");
  stage_says({{"stage", "budget"}}, "'pairs' or 'tokens' is missing");
  stage_says({{"stage", "budget"}, {"tokens", -4}}, "cannot be negative");
  stage_says({{"stage", "difficulty"}, {"max", 0.9}}, "put a stage that verifies before it");
  stage_says({{"stage", "difficulty"}, {"min", 0.9}, {"max", 0.1}}, "pass rates from 0 to 1");
}

TEST_CASE("every stage of the catalogue can be made, and every audit is chosen from by its own words",
          "[contract][curate]") {
  for (const StageInfo& info : stage_catalogue()) {
    CAPTURE(info.name);
    const auto made = make_stage({{"stage", info.name}}, {});
    if (!made) CHECK(made.error().message.find("unknown stage") == std::string::npos);
  }
  const auto personal = make_stage({{"stage", "personal_data"}, {"only", {"email"}}}, {});
  REQUIRE_OK(personal);
  const auto& stage = std::get<std::unique_ptr<RowStage>>(*personal);
  CHECK(stage->drop({}, {"api_key, email", "", 1}) == "api_key, email");
  CHECK(stage->drop({}, {"api_key", "", 1}).empty());
}

}  // namespace retort::test
