// `retort harvest`: from the words of a command line to a running Harvester, and back to an exit code.
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <random>

#include "cli/command.h"
#include "cli/config.h"
#include "cli/exit_codes.h"
#include "cli/options.h"
#include "cli/progress.h"
#include "cli/run_record.h"
#include "cli/terminal.h"
#include "core/harvest/harvester.h"
#include "core/harvest/planner.h"
#include "core/prompt/prompt_feed.h"
#include "core/teacher/identity.h"

namespace retort {
namespace {

struct Flags {
  std::vector<std::string> prompts;
  std::string teacher;
  std::string corpus = "corpus.db";
  std::string config;
  std::string format = "auto";
  PromptSettings prompt;
  int samples = 1;
  std::optional<std::int64_t> max_tokens;
  std::optional<int> in_flight;
  std::optional<double> requests_per_minute, tokens_per_minute;
  std::vector<std::string> set;
  std::vector<std::string> retry;
  bool skip_bad_rows = false;
  bool terms_unknown = false;
  bool dry_run = false;
  bool json = false;
  bool quiet = false;
  int attempts = 5;
  double drain_seconds = 60;
};

/// What was typed, resolved and checked.
struct Plan {
  TeacherProfile profile;
  HarvestSettings settings;
  std::unique_ptr<Teacher> teacher;
  std::unique_ptr<PromptSource> source;
};

// name=value; the value is JSON if it reads as JSON, else text.
Result<void> apply_set(const std::string& word, Json& parameters, std::optional<std::int64_t>& max_tokens) {
  const std::size_t equals = word.find('=');
  if (equals == std::string::npos || equals == 0)
    return fail(Errc::usage, "--set wants name=value, not '" + word + "'");
  const std::string name = word.substr(0, equals);
  const Result<Json> value = parse_json(word.substr(equals + 1));
  if (name == "model" || name == "messages" || name == "stream" || name == "n") {
    return fail(Errc::usage, "--set " + name + ": this is not a sampling parameter (for n, use -n)");
  }
  if (name == "max_tokens" || name == "max_completion_tokens") {
    if (!value || !value->is_number_integer() || *value < 1)
      return fail(Errc::usage, "--set " + name + " wants a whole number above 0");
    max_tokens = value->get<std::int64_t>();
  } else {
    parameters[name] = value ? *value : Json(word.substr(equals + 1));
  }
  return {};
}

PromptFormat format_named(const std::string& name) {
  return name == "jsonl" ? PromptFormat::jsonl : name == "text" ? PromptFormat::text : PromptFormat::automatic;
}

Result<Plan> resolve(const Flags& flags) {
  Plan plan;
  Result<Configuration> configuration = load_configuration(flags.config);
  if (!configuration) return fail(configuration.error());
  Result<TeacherProfile> profile = find_teacher(*configuration, flags.teacher);
  if (!profile) return fail(profile.error());
  plan.profile = std::move(*profile);
  Limits& limits = plan.profile.limits;
  if (flags.in_flight) limits.in_flight_max = *flags.in_flight;
  if (flags.requests_per_minute) limits.requests_per_minute = *flags.requests_per_minute;
  if (flags.tokens_per_minute) limits.tokens_per_minute = *flags.tokens_per_minute;
  if (const int allowed = connections_allowed(limits.in_flight_max); allowed < limits.in_flight_max) {
    say("this process may open too few files for " + std::to_string(limits.in_flight_max) +
        " requests in flight: using " + std::to_string(allowed) + " (raise 'ulimit -n')");
    limits.in_flight_max = allowed;
  }
  plan.profile.transport.max_connections = limits.in_flight_max;
  Result<std::string> credential = credential_of(plan.profile);
  if (!credential) return fail(credential.error());
  Result<std::unique_ptr<Teacher>> teacher = make_teacher(plan.profile.identity.dialect, plan.profile.settings);
  if (!teacher) return fail(teacher.error());
  plan.teacher = std::move(*teacher);

  HarvestSettings& settings = plan.settings;
  settings.dialect = plan.profile.identity.dialect;
  settings.model = plan.profile.identity.model;
  settings.credential = std::move(*credential);
  settings.parameters = plan.profile.parameters;
  settings.max_tokens = flags.max_tokens ? flags.max_tokens : plan.profile.max_tokens;
  for (const std::string& word : flags.set) {
    if (auto done = apply_set(word, settings.parameters, settings.max_tokens); !done) return fail(done.error());
  }
  settings.samples = flags.samples;
  settings.limits = limits;
  settings.retry.attempts_max = flags.attempts;
  settings.connect_timeout = plan.profile.connect_timeout;
  settings.total_timeout = plan.profile.total_timeout;
  settings.retry_failed = std::count(flags.retry.begin(), flags.retry.end(), "failed") > 0;
  settings.retry_truncated = std::count(flags.retry.begin(), flags.retry.end(), "truncated") > 0;
  settings.skip_bad_rows = flags.skip_bad_rows;
  settings.drain = from_seconds(flags.drain_seconds);
  settings.seed = std::random_device{}();

  PromptSettings prompt = flags.prompt;
  prompt.format = format_named(flags.format);
  Result<std::unique_ptr<PromptSource>> source = open_prompts(flags.prompts, std::move(prompt));
  if (!source) return fail(source.error());
  plan.source = std::move(*source);
  return plan;
}

Result<void> check_terms(const Plan& plan, bool terms_unknown) {
  const Terms& terms = plan.profile.terms;
  const std::string& name = plan.profile.identity.name;
  say(describe_terms(name, terms));
  if (terms.outputs_may_train || terms_unknown) return {};
  return fail(Errc::terms,
              "what the terms of '" + name +
                  "' allow is unknown: read them and set outputs_may_train (and licence, terms_url) in [teacher." +
                  name + "], or harvest with --terms-unknown; export and train will ask again");
}

/// What would be asked, and its bounds, without asking or writing anything.
Result<int> dry_run(const Flags& flags, Plan& plan, Edges& edges) {
  std::unique_ptr<CorpusReader> corpus;
  if (access(flags.corpus.c_str(), F_OK) == 0) {
    Result<std::unique_ptr<CorpusReader>> opened = edges.corpora.read(flags.corpus);
    if (!opened) return fail(opened.error());
    corpus = std::move(*opened);
  }
  std::int64_t rows = 0, bad = 0, wanted = 0, present = 0;
  Cost bound;
  while (auto event = plan.source->next()) {
    auto* row = std::get_if<PromptRow>(&*event);
    if (!row) {
      const BadRow& problem = std::get<BadRow>(*event);
      if (!flags.skip_bad_rows)
        return fail(Errc::usage, problem.source + ":" + std::to_string(problem.row) + ": " + problem.problem);
      ++bad;
      continue;
    }
    ++rows;
    for (int sample = 0; sample < plan.settings.samples; ++sample) {
      const Json parameters = sample_parameters(plan.settings.parameters, sample);
      const std::string digest =
          request_digest({plan.settings.dialect, plan.settings.model, row->messages, parameters, sample});
      if (corpus) {
        Result<std::optional<RequestState>> state = corpus->state_of(digest);
        if (!state) return fail(state.error());
        if (*state && !wants_answer(**state, plan.settings)) {
          ++present;
          continue;
        }
      }
      ++wanted;
      const Cost cost = plan.teacher->estimate({row->messages, parameters, plan.settings.max_tokens});
      bound.input += cost.input;
      bound.output += cost.output;
      bound.money += cost.money;
    }
  }
  const Limits& limits = plan.profile.limits;
  double minutes = 0;
  if (limits.requests_per_minute > 0)
    minutes = std::max(minutes, static_cast<double>(wanted) / limits.requests_per_minute);
  if (limits.tokens_per_minute > 0)
    minutes = std::max(minutes, static_cast<double>(bound.total()) / limits.tokens_per_minute);
  if (flags.json) {
    print_line(dump_json({{"rows", rows},
                          {"bad_rows", bad},
                          {"requests", wanted},
                          {"settled", present},
                          {"input_tokens_at_most", bound.input},
                          {"output_tokens_at_most", bound.output},
                          {"cost_usd_at_most", bound.money.dollars()},
                          {"minutes_at_least", minutes > 0 ? Json(minutes) : Json()}}));
  } else {
    print_line(with_commas(rows) + " rows: " + with_commas(wanted) + " requests to ask, " + with_commas(present) +
               " settled in the corpus");
    print_line("at most " + with_commas(bound.input) + " tokens in, " + with_commas(bound.output) +
               " out (as estimated before sending), " + as_dollars(bound.money));
    print_line(minutes > 0
                   ? "at the configured limits this takes " + short_duration(from_seconds(minutes * 60)) + " or longer"
                   : "no limit per minute is configured: the duration depends on the teacher alone");
  }
  return kExitComplete;
}

Result<int> harvest(const Flags& flags, Edges& edges) {
  Result<Plan> resolved = resolve(flags);
  if (!resolved) return fail(resolved.error());
  Plan& plan = *resolved;
  if (auto allowed = check_terms(plan, flags.terms_unknown || flags.dry_run); !allowed) return fail(allowed.error());
  if (flags.dry_run) return dry_run(flags, plan, edges);

  Result<std::unique_ptr<Transport>> transport = edges.make_transport(plan.profile.transport);
  if (!transport) return fail(transport.error());
  const auto wake = [&wire = **transport] { wire.wake(); };
  Json settings = {{"teacher", plan.profile.identity.name},
                   {"samples", plan.settings.samples},
                   {"parameters", plan.settings.parameters},
                   {"requests_per_minute", plan.settings.limits.requests_per_minute},
                   {"tokens_per_minute", plan.settings.limits.tokens_per_minute},
                   {"in_flight_max", plan.settings.limits.in_flight_max}};
  if (plan.settings.max_tokens) settings["max_tokens"] = *plan.settings.max_tokens;
  Result<HarvestSession> session = edges.corpora.harvest(flags.corpus, plan.profile.identity, plan.profile.terms,
                                                         run_start(edges, "harvest", std::move(settings)), wake);
  if (!session) return fail(session.error());
  if (session->recovery.delivery_unknown > 0) {
    say("an earlier run ended without a word: " + with_commas(session->recovery.delivery_unknown) +
        " requests may have been delivered and billed; what has no answer is asked again");
  }

  const Instant started = edges.clock.now();
  HarvestProgress progress(started, isatty(STDERR_FILENO) != 0, flags.quiet);
  on_interrupt(wake);
  HarvestReport report;
  {
    BackgroundFeed feed(std::move(plan.source), wake);
    Harvester harvester(edges.clock, **transport, *session->log, feed, *plan.teacher, std::move(plan.settings),
                        progress);
    report = harvester.run(interrupted);
  }
  on_interrupt([] {});  // the transport is about to go
  progress.finish();

  const Duration elapsed = edges.clock.now() - started;
  const bool some_failed = report.stats.failed + report.stats.already_failed + report.stats.bad_rows > 0;
  int code = some_failed ? kExitSomeFailed : kExitComplete;
  if (report.stopped)
    code = report.stopped->code == Errc::interrupted ? interrupted_exit_code() : exit_code_of(report.stopped->code);
  const Result<void> closed = session->log->close({code, report.stats.used.money, summary_json(report.stats, elapsed)});
  say(summary_text(report.stats, elapsed));
  if (report.stats.already_failed > 0)
    say("failed before: " + with_commas(report.stats.already_failed) + " (--retry failed asks them again)");
  if (flags.json) print_line(dump_json(summary_json(report.stats, elapsed)));
  if (report.stopped) return fail(*report.stopped);
  if (!closed) return fail(closed.error());
  return code;
}

}  // namespace

void add_harvest(CLI::App& app, Action& action) {
  const auto flags = std::make_shared<Flags>();
  CLI::App* command = app.add_subcommand("harvest", "Ask a teacher every prompt, and keep every answer");
  command->add_option("prompts", flags->prompts, "Files of prompts: JSON lines or plain text; '-' is standard input")
      ->required();
  command->add_option("-t,--teacher", flags->teacher, "Name of a [teacher.NAME] in the configuration")->required();
  add_corpus_option(*command, flags->corpus);
  command->add_option("--config", flags->config, "Configuration file (default: retort.toml, then the user's)");
  command->add_option("-n,--samples", flags->samples, "Answers wanted for each prompt")->check(CLI::Range(1, 100'000));
  command
      ->add_option("--format", flags->format,
                   "What the files are: auto (by name, or by first character), jsonl or text")
      ->check(CLI::IsMember({"auto", "jsonl", "text"}));
  command->add_option("--prompt-template", flags->prompt.prompt_template,
                      "Make the prompt from a row's fields: 'Solve: {{question}}'");
  command->add_option("--system", flags->prompt.system, "System message for prompts that have none");
  command->add_option("--max-tokens", flags->max_tokens, "Longest answer, in tokens")
      ->check(CLI::Range(std::int64_t{1}, std::int64_t{100'000'000}));
  command->add_option("--set", flags->set, "Sampling parameter NAME=VALUE, sent as it is (repeatable)");
  command->add_option("--max-in-flight", flags->in_flight, "Requests on the wire at once")
      ->check(CLI::Range(1, 100'000));
  command->add_option("--requests-per-minute", flags->requests_per_minute, "Overrides the profile's limit")
      ->check(CLI::PositiveNumber);
  command->add_option("--tokens-per-minute", flags->tokens_per_minute, "Overrides the profile's limit")
      ->check(CLI::PositiveNumber);
  command->add_option("--attempts", flags->attempts, "Failed attempts after which a request has failed for good")
      ->check(CLI::Range(1, 1000));
  command->add_option("--retry", flags->retry, "Ask again what is 'failed' or 'truncated' (or both: failed,truncated)")
      ->delimiter(',')
      ->check(CLI::IsMember({"failed", "truncated"}));
  command->add_flag("--skip-bad-rows", flags->skip_bad_rows,
                    "Harvest the rest where a row is broken (exit 3), instead of stopping there");
  command->add_flag("--terms-unknown", flags->terms_unknown,
                    "Harvest although it is unknown what the teacher's terms allow");
  command->add_option("--drain", flags->drain_seconds, "Seconds that Ctrl-C waits for answers on the wire")
      ->check(CLI::NonNegativeNumber);
  command->add_flag("--dry-run", flags->dry_run, "Only say what would be asked, and what it would cost at most");
  command->add_flag("-q,--quiet", flags->quiet, "No progress, only the summary");
  command->add_flag("--json", flags->json, "Print the summary as JSON on standard output");
  command->footer(
      "Example:\n  retort harvest prompts.jsonl -t r1 -c corpus.db -n 4\n  cat questions.txt | retort harvest - -t r1");
  command->callback([flags, &action] { action = [flags](Edges& edges) { return harvest(*flags, edges); }; });
}

}  // namespace retort
