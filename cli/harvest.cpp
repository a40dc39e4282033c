// `retort harvest`: from the words of a command line to a running Harvester, and back to an exit code.
#include "cli/batch.h"
#include "cli/consulting.h"
#include "cli/harvest_plan.h"
#include "cli/run_record.h"
#include "cli/terminal.h"

namespace retort {
namespace {

Json run_settings(const HarvestFlags& flags, const HarvestPlan& plan) {
  Json settings = {{"teacher", plan.profile.identity.name},
                   {"samples", plan.settings.samples},
                   {"parameters", plan.settings.parameters},
                   {"stream", plan.settings.stream},
                   {"follow_ups", plan.settings.follow_ups},
                   {"validate", flags.validate},
                   {"wanted", flags.wanted},
                   {"requests_per_minute", plan.settings.limits.requests_per_minute},
                   {"tokens_per_minute", plan.settings.limits.tokens_per_minute},
                   {"in_flight_max", plan.settings.limits.in_flight_max}};
  if (!plan.settings.endpoints.empty()) settings["base_urls"] = plan.settings.endpoints;
  if (plan.settings.max_tokens) settings["max_tokens"] = *plan.settings.max_tokens;
  if (flags.until_verified.verified > 0) settings["until_verified"] = to_json(flags.until_verified);
  return settings;
}

}  // namespace

Result<int> run_harvest(const HarvestFlags& flags, Edges& edges) {
  Result<HarvestPlan> resolved = resolve_harvest(flags, edges);
  if (!resolved) return fail(resolved.error());
  HarvestPlan& plan = *resolved;
  if (auto allowed = check_terms(plan, flags.asking.terms_unknown || flags.dry_run); !allowed)
    return fail(allowed.error());
  if (flags.dry_run) return forecast(plan, {flags.corpus, flags.skip_bad_rows, flags.json}, edges.corpora);
  const Json settings = run_settings(flags, plan);
  if (flags.until_verified.verified > 0) {
    return harvest_until_verified(
        edges, plan,
        {flags.corpus, settings, judging_tools(edges, edges.graders, flags.corpus, flags.asking), flags.asking.quiet,
         flags.json},
        flags.until_verified);
  }
  RunStart run = run_start(edges, "harvest", settings);
  run.role = flags.role;
  auto asking = Asking::open(edges, plan, flags.corpus, std::move(run), flags.asking.quiet);
  if (!asking) return fail(asking.error());
  (*asking)->run(std::move(plan.source));
  const Result<int> code = (*asking)->close(true);
  if (const auto batches = under_way(flags.corpus); batches && batches->requests > 0)
    say("under way in batches: " + with_commas(batches->requests) + " (retort batch collect takes them in)");
  if (flags.json) print_line(dump_json(summary_json((*asking)->report().stats, (*asking)->elapsed())));
  return code;
}

void add_harvest(CLI::App& app, Action& action) {
  const auto flags = std::make_shared<HarvestFlags>();
  CLI::App* command = app.add_subcommand("harvest", "Ask a teacher every prompt, and keep every answer");
  CLI::Option* samples = add_prompt_options(*command, *flags);
  command->add_flag("--wanted", flags->wanted, "Ask what the corpus wants (retort curate --wants), instead of files")
      ->excludes(samples);
  command
      ->add_option("--follow-up", flags->follow_ups,
                   "What the user says next to each answer (repeatable: a script of turns)")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  command->add_option("--validate", flags->validate, "Answers must be JSON of the schema in this file");
  command->add_option("--validate-tries", flags->validate_tries, "Answers of another shape after which it has failed")
      ->check(CLI::Range(1, 1000));
  add_wire_options(*command, flags->asking);
  command->add_flag("--dry-run", flags->dry_run,
                    "Only predict requests, tokens, cost and time; nothing is sent or written");
  add_until_verified_options(*command, flags->until_verified);
  command->footer(
      "Example:\n  retort harvest prompts.jsonl -t r1 -c corpus.db -n 4\n  cat questions.txt | retort harvest - -t r1");
  command->callback([flags, &action] { action = [flags](Edges& edges) { return run_harvest(*flags, edges); }; });
}

}  // namespace retort
