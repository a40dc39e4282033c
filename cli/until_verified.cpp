#include "cli/until_verified.h"

#include <algorithm>
#include <thread>
#include <unordered_set>

#include "cli/exit_codes.h"
#include "cli/run_record.h"
#include "cli/terminal.h"
#include "core/curate/pipeline/recipe.h"
#include "core/curate/pipeline/wants.h"
#include "core/harvest/wanted_source.h"

namespace retort {
namespace {

constexpr const char* kView = "verified";

/// Which prompts the first round asked. Written by the thread that reads prompts, read when that has ended.
using PromptSet = std::unordered_set<std::uint64_t>;

class RememberingSource final : public PromptSource {
 public:
  RememberingSource(std::unique_ptr<PromptSource> source, std::shared_ptr<PromptSet> seen)
      : source_(std::move(source)), seen_(std::move(seen)) {}
  std::optional<PromptEvent> next() override {
    auto event = source_->next();
    if (const auto* row = event ? std::get_if<PromptRow>(&*event) : nullptr)
      seen_->insert(prompt_hash_of(row->messages.digest()));
    return event;
  }
  std::optional<double> fraction_read() const override { return source_->fraction_read(); }

 private:
  std::unique_ptr<PromptSource> source_;
  std::shared_ptr<PromptSet> seen_;
};

Recipe recipe_of(const UntilVerified& flags) {
  Recipe recipe;
  recipe.name = kView;
  recipe.stages = {{{"stage", "finished"}},
                   {{"stage", "refusal"}},
                   {{"stage", "verify"}, {"grader", flags.grader}},
                   {{"stage", "per_prompt"}, {"max", flags.verified}}};
  return recipe;
}

struct Round {
  SamplingReport sampling;
  ViewRecord view;
};

Result<Round> grade(Edges& edges, const RoundsSetup& setup, const UntilVerified& flags, const PromptSet* only) {
  const Recipe recipe = recipe_of(flags);
  auto pipeline = make_pipeline(recipe, setup.graders);
  if (!pipeline) return fail(pipeline.error());
  auto reader = edges.corpora.read(setup.corpus);
  if (!reader) return fail(reader.error());
  const auto newest = (*reader)->newest_response();
  if (!newest) return fail(newest.error());
  CurateSettings settings;
  settings.view = kView;
  settings.pipeline.frozen_at = *newest;
  settings.pipeline.threads = std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
  settings.pipeline.batch = 1024;  // a judge is asked about so many at once
  settings.pipeline.should_stop = interrupted;
  auto log = edges.corpora.curate(
      setup.corpus,
      run_start(edges, "curate", {{"recipe", to_json(recipe)}, {"view", kView}, {"wants", flags.verified}}));
  if (!log) return fail(log.error());
  auto outcome = curate(**reader, **log, recipe, *pipeline, settings);
  if (!outcome) return fail(outcome.error());
  auto sampling = want_samples(**reader, **log, outcome->result, {flags.verified, flags.samples_max, only});
  if (!sampling) return fail(sampling.error());
  if (auto closed = (*log)->close({0, {}, to_json(*sampling)}); !closed) return fail(closed.error());
  return Round{*sampling, outcome->view};
}

struct Asked {
  int code = 0;
  std::optional<Error> stopped;
  HarvestStats stats;
};

Result<Asked> ask(Edges& edges, HarvestPlan& plan, const RoundsSetup& setup) {
  auto asking = Asking::open(edges, plan, setup.corpus, run_start(edges, "harvest", setup.run_settings), setup.quiet);
  if (!asking) return fail(asking.error());
  (*asking)->run(std::move(plan.source));
  const Result<int> code = (*asking)->close(true);
  if (!code && !(*asking)->report().stopped) return fail(code.error());
  return Asked{code ? *code : 0, (*asking)->report().stopped, (*asking)->report().stats};
}

}  // namespace

void add_until_verified_options(CLI::App& command, UntilVerified& flags) {
  CLI::Option* verified = command
                              .add_option("--until-verified", flags.verified,
                                          "Ask, grade and ask again, until each prompt has so many verified answers")
                              ->check(CLI::Range(1, 10'000));
  command
      .add_option("--max-samples", flags.samples_max, "With --until-verified: ask no prompt more often (default 16)")
      ->needs(verified)
      ->check(CLI::Range(1, 100'000));
  command.add_option("--grader", flags.grader, "With --until-verified: what verifies (default exact)")->needs(verified);
  for (const char* other : {"--wanted", "--follow-up", "--dry-run"}) verified->excludes(command.get_option(other));
}

Json to_json(const UntilVerified& flags) {
  return {{"verified", flags.verified}, {"samples_max", flags.samples_max}, {"grader", flags.grader}};
}

Result<std::unique_ptr<PromptSource>> wanted_source(Edges& edges, const std::string& corpus,
                                                    const HarvestSettings& settings) {
  auto reader = edges.corpora.read(corpus);
  if (!reader) return fail(reader.error());
  const auto first = (*reader)->wanted_after(nullptr, 1);
  if (!first) return fail(first.error());
  if (first->empty()) say("the corpus wants nothing: retort curate --wants K says how much of what it lacks");
  return make_wanted_source(std::move(*reader), settings);
}

Result<int> harvest_until_verified(Edges& edges, HarvestPlan& plan, const RoundsSetup& setup,
                                   const UntilVerified& flags) {
  // What cannot be graded is not to be found out after it was paid for.
  if (auto pipeline = make_pipeline(recipe_of(flags), setup.graders); !pipeline) return fail(pipeline.error());
  plan.settings.samples = std::min(plan.settings.samples, flags.samples_max);
  const auto seen = std::make_shared<PromptSet>();
  plan.source = std::make_unique<RememberingSource>(std::move(plan.source), seen);
  std::int64_t attempts = 0;
  int rounds = 0, code = 0;
  std::optional<Error> stopped;
  std::optional<Round> round;
  while (true) {
    auto asked = ask(edges, plan, setup);
    if (!asked) return fail(asked.error());
    ++rounds;
    attempts += asked->stats.attempts;
    code = std::max(code, asked->code);
    stopped = asked->stopped;
    if (stopped && stopped->code == Errc::interrupted) return fail(*stopped);
    auto graded = grade(edges, setup, flags, seen.get());
    if (!graded) return fail(stopped ? *stopped : graded.error());
    round = std::move(*graded);
    if (stopped || round->sampling.wanted_samples == 0) break;
    if (rounds > 1 && asked->stats.attempts == 0) break;  // what is wanted cannot be asked: rows that are passed over
    say("round " + std::to_string(rounds) + ": " + with_commas(round->sampling.satisfied) + " of " +
        with_commas(round->sampling.prompts) + " prompts have enough; asking " +
        with_commas(round->sampling.wanted_samples) + " more samples of " +
        with_commas(round->sampling.wanted_prompts));
    auto source = wanted_source(edges, setup.corpus, plan.settings);
    if (!source) return fail(source.error());
    plan.source = std::move(*source);
  }
  const std::int64_t ungraded = static_cast<std::int64_t>(seen->size()) - round->sampling.prompts;
  if (setup.json) {
    print_line(visible_json(dump_json({{"rounds", rounds},
                                       {"attempts", attempts},
                                       {"ungraded_prompts", ungraded},
                                       {"view", round->view.name},
                                       {"pairs", round->view.pairs},
                                       {"digest", round->view.digest},
                                       {"sampling", to_json(round->sampling)}})));
  } else {
    print_line(describe(round->sampling));
    if (ungraded > 0)
      print_line("without an answer that could be graded, and so not asked again: " + with_commas(ungraded) +
                 " prompts");
  }
  say("view '" + std::string(kView) + "': " + with_commas(round->view.pairs) + " pairs after " +
      std::to_string(rounds) + (rounds == 1 ? " round" : " rounds"));
  if (stopped) return fail(*stopped);
  return code;
}

}  // namespace retort
