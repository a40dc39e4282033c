// `retort batch`: the same questions through a provider's batch API, at half the price and within a day.
#include <unistd.h>

#include "cli/batch.h"

#include "cli/batch_desk.h"
#include "cli/exit_codes.h"
#include "cli/harvest_plan.h"
#include "cli/options.h"
#include "cli/progress.h"
#include "cli/run_record.h"
#include "cli/terminal.h"
#include "core/batch/batch_submitter.h"

namespace retort {
namespace {

Json as_json(const SubmitReport& report) {
  Json batches = Json::array();
  for (const SubmitReport::Line& line : report.batches) {
    using How = Brought::How;
    const How how = line.brought.how;
    batches.push_back({{"batch", line.batch},
                       {"state", how == How::submitted  ? "submitted"
                                 : how == How::in_doubt ? "in_doubt"
                                                        : "empty"},
                       {"provider_id", line.brought.id},
                       {"requests", line.brought.requests},
                       {"doubt", line.brought.doubt}});
  }
  return {{"batches", std::move(batches)},
          {"rows", report.stats.rows},
          {"bad_rows", report.stats.bad_rows},
          {"begun", report.stats.attempts},
          {"already_answered", report.stats.already_answered},
          {"already_failed", report.stats.already_failed},
          {"in_batches", report.in_batches},
          {"repeated", report.stats.repeated},
          {"too_large", report.too_large},
          {"reserved_usd", report.reserved.dollars()}};
}

std::string as_text(const SubmitReport& report) {
  std::int64_t requests = 0, batches = 0;
  for (const SubmitReport::Line& line : report.batches) {
    if (line.brought.how != Brought::How::submitted) continue;
    requests += line.brought.requests;
    ++batches;
  }
  const HarvestStats& stats = report.stats;
  std::string text =
      with_commas(requests) + " requests submitted in " + with_commas(batches) + (batches == 1 ? " batch" : " batches");
  if (stats.already_answered > 0) text += ", " + with_commas(stats.already_answered) + " answered before";
  if (report.in_batches > 0) text += ", " + with_commas(report.in_batches) + " under way already";
  if (stats.repeated > 0) text += ", " + with_commas(stats.repeated) + " asked by an equal row";
  if (stats.already_failed > 0) text += ", " + with_commas(stats.already_failed) + " failed before";
  if (report.reserved.pico > 0) text += "; at most " + as_dollars(report.reserved);
  if (report.too_large > 0)
    text += "\ntoo large for a batch: " + with_commas(report.too_large) + " (retort harvest asks them one by one)";
  return text;
}

// What was on its way when an earlier harvest ended was paid for, perhaps; what lies in batches is not touched.
Result<int> submit(const HarvestFlags& flags, Edges& edges) {
  auto resolved = resolve_harvest(flags, edges);
  if (!resolved) return fail(resolved.error());
  HarvestPlan& plan = *resolved;
  const TeacherIdentity identity = plan.profile.identity;
  const Terms terms = plan.profile.terms;
  if (auto allowed = check_terms(plan, flags.asking.terms_unknown); !allowed) return fail(allowed.error());
  const Instant started = edges.clock.now();
  auto desk = open_desk(edges, std::move(plan.profile), std::move(plan.teacher), std::move(plan.settings));
  if (!desk) return fail(desk.error());
  HarvestSettings& harvest = desk->settings.harvest;
  Json settings = {{"teacher", identity.name},
                   {"samples", harvest.samples},
                   {"parameters", harvest.parameters},
                   {"batch_price_factor", desk->settings.price_factor},
                   {"batch_requests_max", desk->settings.size_max.requests},
                   {"batch_bytes_max", desk->settings.size_max.bytes}};
  if (harvest.max_tokens) settings["max_tokens"] = *harvest.max_tokens;
  auto log =
      batch_corpora().batch(flags.corpus, identity, terms, run_start(edges, "batch submit", std::move(settings)));
  if (!log) return fail(log.error());
  const auto spent = (*log)->spent();
  if (!spent) return fail(spent.error());
  harvest.spent = *spent;

  const auto wake = [&wire = *desk->transport] { wire.wake(); };
  on_interrupt(wake);
  HarvestProgress progress(started, false, flags.asking.quiet);
  SubmitReport report;
  {
    BackgroundFeed feed(std::move(plan.source), wake);
    BatchSubmitter submitter(edges.clock, *desk->wire, **log, feed, *desk->teacher, *desk->api, desk->settings,
                             progress);
    report = submitter.run(identity);
  }
  on_interrupt([] {});
  bool incomplete = report.stats.bad_rows + report.stats.already_failed + report.too_large > 0;
  for (const SubmitReport::Line& line : report.batches) incomplete |= line.brought.how == Brought::How::in_doubt;
  int code = incomplete ? kExitSomeFailed : kExitComplete;
  if (report.stopped)
    code = report.stopped->code == Errc::interrupted ? interrupted_exit_code() : exit_code_of(report.stopped->code);
  const Result<void> closed = (*log)->close({code, {}, as_json(report)});
  say(as_text(report));
  if (flags.json) print_line(dump_json(as_json(report)));
  if (report.stopped) return fail(*report.stopped);
  if (!closed) return fail(closed.error());
  return code;
}

CLI::App* add_subcommand(CLI::App& command, BatchFlags& flags, const char* name, const char* what) {
  CLI::App* sub = command.add_subcommand(name, what);
  add_corpus_option(*sub, flags.corpus);
  sub->add_option("--config", flags.config, "Configuration file (default: retort.toml, then the user's)");
  sub->add_option("-t,--teacher", flags.teacher, "Only the batches of that [teacher.NAME]");
  sub->add_flag("--json", flags.json, "Print JSON on standard output");
  return sub;
}

}  // namespace

void add_batch(CLI::App& app, Action& action) {
  CLI::App* command = app.add_subcommand("batch", "Ask through a provider's batch API: cheaper, within a day");
  command->require_subcommand(1);
  command->footer(
      "Example:\n  retort batch submit prompts.jsonl -t openai -c corpus.db\n  retort batch status -c corpus.db\n"
      "  retort batch collect -c corpus.db --wait");

  const auto asked = std::make_shared<HarvestFlags>();
  CLI::App* submitter =
      command->add_subcommand("submit", "Put what the corpus lacks into batches, and hand them to the provider");
  add_prompt_options(*submitter, *asked);
  submitter->footer("Example:\n  retort batch submit prompts.jsonl -t openai -c corpus.db -n 4 --max-usd 20");
  submitter->callback([asked, &action] { action = [asked](Edges& edges) { return submit(*asked, edges); }; });

  const auto flags = std::make_shared<BatchFlags>();
  CLI::App* status = add_subcommand(*command, *flags, "status", "Every batch: how far it is, its age, its expiry");
  status->add_flag("--offline", flags->offline, "Ask no provider: what the corpus knows");
  status->footer("Example:\n  retort batch status -c corpus.db --json");
  status->callback([flags, &action] { action = [flags](Edges& edges) { return batch_status(*flags, edges); }; });

  CLI::App* collect = add_subcommand(*command, *flags, "collect", "Take in the answers of the batches that are done");
  collect->add_flag("--wait", flags->wait, "Until all are; harvests may run meanwhile");
  collect->add_option("--every", flags->every_seconds, "Seconds between two looks with --wait")
      ->check(number_between(0.05, 86'400.0))
      ->capture_default_str();
  collect->footer("Example:\n  retort batch collect -c corpus.db --wait --every 300");
  collect->callback([flags, &action] { action = [flags](Edges& edges) { return batch_collect(*flags, edges); }; });

  CLI::App* cancel = add_subcommand(*command, *flags, "cancel", "Cancel batches; what was done is still collected");
  cancel->add_option("batches", flags->batches, "Which: their numbers in the corpus, or the provider's ids");
  cancel->add_flag("--all", flags->all, "All that are under way");
  cancel->add_flag("--give-up", flags->give_up,
                   "Where the provider no longer knows the batch, or it cannot be told whether it exists: ask its "
                   "questions again all the same, counted as possibly billed");
  cancel->footer("Example:\n  retort batch cancel 3 -c corpus.db\n  retort batch cancel --all -t openai");
  cancel->callback([flags, &action] { action = [flags](Edges& edges) { return batch_cancel(*flags, edges); }; });
}

}  // namespace retort
