// `retort curate`: a recipe over a corpus gives a view, a funnel, and on request the wish for more samples.
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <sstream>
#include <thread>

#include "cli/command.h"
#include "cli/consulting.h"
#include "cli/options.h"
#include "cli/recipes.h"
#include "cli/run_record.h"
#include "cli/terminal.h"
#include "core/base/text.h"
#include "core/curate/pipeline/wants.h"
#include "core/parquet/parquet_file.h"

namespace retort {
namespace {

struct CurateFlags {
  std::string corpus = "corpus.db", recipe, view, show;
  int threads = 0, wants = 0, samples_max = 16;
  bool list = false, json = false;
  AskingFlags judge;
};

void print_funnel(const Json& funnel) {
  for (const Json& line : funnel) {
    const std::string stage = line["stage"];
    print_line(stage + std::string(stage.size() < 20 ? 20 - stage.size() : 1, ' ') + with_commas(line["in"]) + " -> " +
               with_commas(line["out"]));
    for (const auto& [reason, count] : line["dropped"].items())
      print_line("    " + with_commas(count.get<std::int64_t>()) + "  " + visible_line(reason));
  }
}

Json view_json(const ViewRecord& view) {
  return {{"view", view.name},           {"pairs", view.pairs},   {"parts", view.parts},  {"digest", view.digest},
          {"frozen_at", view.frozen_at}, {"funnel", view.funnel}, {"recipe", view.recipe}};
}

Result<int> list_all(Edges& edges, const CurateFlags& flags, bool corpus_named) {
  std::vector<ViewRecord> views;
  if (corpus_named || access(flags.corpus.c_str(), F_OK) == 0) {
    auto reader = edges.corpora.read(flags.corpus);
    if (!reader) return fail(reader.error());
    auto found = (*reader)->views();
    if (!found) return fail(found.error());
    views = std::move(*found);
  }
  if (flags.json) {
    Json recipes = Json::array(), stages = Json::array(), known = Json::array();
    for (const ShippedRecipe& recipe : shipped_recipes()) recipes.push_back(recipe.name);
    for (const StageInfo& stage : stage_catalogue()) stages.push_back({{"stage", stage.name}, {"what", stage.what}});
    for (const ViewRecord& view : views) known.push_back(view_json(view));
    print_line(visible_json(dump_json({{"recipes", recipes}, {"stages", stages}, {"views", known}})));
    return 0;
  }
  print_line("recipes:");
  for (const ShippedRecipe& shipped : shipped_recipes()) {
    const auto recipe = load_recipe(shipped.name);
    if (!recipe) return fail(recipe.error());
    print_line("  " + shipped.name + ": " + recipe->about);
  }
  print_line("stages:");
  for (const StageInfo& stage : stage_catalogue()) print_line("  " + stage.name + ": " + stage.what);
  if (!views.empty()) print_line("views of " + visible_line(flags.corpus) + ":");
  for (const ViewRecord& view : views) {
    print_line("  " + visible_line(view.name) + ": " + with_commas(view.pairs) + " pairs, digest " +
               view.digest.substr(0, 16) + ", made " + view.made_at);
  }
  return 0;
}

// A judge's requests go out together, so that many are in flight; a label needs its answer.
constexpr std::size_t kPairsBeforeAJudge = 1024;

bool asks_a_judge(const Recipe& recipe) {
  return std::any_of(recipe.stages.begin(), recipe.stages.end(), [](const Json& stage) {
    return json_text(stage, "stage") == "judge" || json_text(stage, "grader").starts_with("judge:");
  });
}

Result<std::string> rows_as_lines(const std::string& path) {
  const auto rows = ParquetRows::open(path);
  if (!rows) return fail(rows.error());
  std::string text;
  ParquetRow row;
  for (std::int64_t number = 1;; ++number) {
    const auto more = (*rows)->next(row);
    const std::string& problem = more ? row.problem : more.error().message;
    if (!problem.empty()) return fail(Errc::usage, path + ":" + std::to_string(number) + ": " + problem);
    if (!*more) return text;
    text += row.json + "\n";
  }
}

// Evaluation sets are larger than what graders read.
GraderTools grader_tools(Edges& edges, const CurateFlags& flags) {
  GraderTools tools = judging_tools(edges, edges.graders, flags.corpus, flags.judge);
  tools.read_file = [](const std::string& path) -> Result<std::string> {
    if (is_parquet(path)) return rows_as_lines(path);
    std::ifstream file(path, std::ios::binary);
    std::ostringstream text;
    text << file.rdbuf();
    if (!file || file.bad()) return fail(Errc::usage, "cannot read " + path);
    return text.str();
  };
  return tools;
}

Result<int> run_curate(Edges& edges, const CurateFlags& flags) {
  const auto recipe = load_recipe(flags.recipe);
  if (!recipe) return fail(recipe.error());
  auto pipeline = make_pipeline(*recipe, grader_tools(edges, flags));
  if (!pipeline) return fail(pipeline.error().code, "recipe " + recipe->name + ": " + pipeline.error().message);
  CurateSettings settings;
  settings.view = flags.view.empty() ? recipe->name : flags.view;
  if (settings.view == "all") return fail(Errc::usage, "--view all: that is the view of everything; choose a name");
  auto reader = edges.corpora.read(flags.corpus);
  if (!reader) return fail(reader.error());
  const auto newest = (*reader)->newest_response();
  if (!newest) return fail(newest.error());
  settings.pipeline.frozen_at = *newest;
  settings.pipeline.threads =
      flags.threads > 0 ? flags.threads : std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
  if (asks_a_judge(*recipe)) settings.pipeline.batch = kPairsBeforeAJudge;
  settings.pipeline.should_stop = [] { return interrupted(); };
  on_interrupt({});
  auto log = edges.corpora.curate(
      flags.corpus,
      run_start(
          edges, "curate",
          {{"corpus", flags.corpus}, {"recipe", to_json(*recipe)}, {"view", settings.view}, {"wants", flags.wants}}));
  if (!log) return fail(log.error());
  auto outcome = curate(**reader, **log, *recipe, *pipeline, settings);
  if (!outcome) return fail(outcome.error());
  Json summary = view_json(outcome->view);
  summary["unchanged"] = outcome->unchanged;
  std::int64_t judged = 0, known = 0;
  for (const FunnelLine& line : outcome->result.funnel) {
    judged += line.judged;
    known += line.known;
  }
  summary["labels"] = {{"made", judged}, {"known", known}};
  std::optional<SamplingReport> sampling;
  if (flags.wants > 0) {
    auto report = want_samples(**reader, **log, outcome->result, {flags.wants, flags.samples_max});
    if (!report) return fail(report.error());
    sampling = *report;
    summary["sampling"] = to_json(*report);
  }
  if (auto closed = (*log)->close({0, {}, summary}); !closed) return fail(closed.error());
  if (flags.json) {
    print_line(visible_json(dump_json(summary)));
    return 0;
  }
  print_funnel(outcome->view.funnel);
  if (sampling) print_line(describe(*sampling));
  say("view '" + visible_line(outcome->view.name) + "': " + with_commas(outcome->view.pairs) + " pairs, digest " +
      outcome->view.digest.substr(0, 16) + (outcome->unchanged ? " (as before)" : "") + "; " + with_commas(judged) +
      " labels made, " + with_commas(known) + " known before");
  return 0;
}

}  // namespace

void add_curate(CLI::App& app, Action& action) {
  auto flags = std::make_shared<CurateFlags>();
  CLI::App* command = app.add_subcommand("curate", "Judge, clean and split a corpus by a recipe; saves a named view");
  CLI::Option* corpus = command->add_option("-c,--corpus", flags->corpus, "Corpus to curate")->capture_default_str();
  command->add_option("--recipe", flags->recipe, "A recipe that comes with retort (see --list), or a TOML file");
  command->add_option("--view", flags->view, "Name of the view (default: the recipe's)");
  CLI::Option* wants = command->add_option("--wants", flags->wants,
                                           "Write how many more samples prompts deserve, to have so many verified");
  wants->check(positive_number());
  command->add_option("--max-samples", flags->samples_max, "Never want more samples of a prompt than these")
      ->capture_default_str()
      ->check(positive_number())
      ->needs(wants);
  add_judge_options(*command, flags->judge);
  command->add_option("--threads", flags->threads, "Threads that judge (default: all cores)")
      ->check(CLI::Range(1, 1024));
  command->add_flag("--list", flags->list, "Only list recipes, stages and the views of the corpus");
  command->add_option("--show", flags->show, "Only print that recipe, to begin one's own with");
  command->add_flag("--json", flags->json, "The result as one line of JSON");
  command->footer(
      "Example:\n  retort curate -c corpus.db --recipe r1-reasoning\n"
      "  retort curate --show clean > mine.toml; retort curate -c corpus.db --recipe mine.toml --view mine");
  command->callback([flags, corpus, &action] {
    const bool corpus_named = corpus->count() > 0;
    action = [flags, corpus_named](Edges& edges) -> Result<int> {
      if (flags->list) return list_all(edges, *flags, corpus_named);
      if (!flags->show.empty()) {
        for (const ShippedRecipe& recipe : shipped_recipes()) {
          if (recipe.name != flags->show) continue;
          print_line(recipe.toml.substr(0, recipe.toml.size() - 1));
          return 0;
        }
        return fail(Errc::usage, "no recipe '" + flags->show + "' comes with retort: see retort curate --list");
      }
      if (flags->recipe.empty())
        return fail(Errc::usage, "--recipe is missing: retort curate --list shows what there is");
      return run_curate(edges, *flags);
    };
  });
}

}  // namespace retort
