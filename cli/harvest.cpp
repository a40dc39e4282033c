// `retort harvest`: from the words of a command line to a running Harvester, and back to an exit code.
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <random>
#include <sstream>

#include "cli/batch.h"
#include "cli/command.h"
#include "cli/config.h"
#include "cli/exit_codes.h"
#include "cli/forecast.h"
#include "cli/harvest_plan.h"
#include "cli/options.h"
#include "cli/progress.h"
#include "cli/run_record.h"
#include "cli/sampling.h"
#include "cli/terminal.h"
#include "cli/until.h"
#include "core/grade/json_schema.h"
#include "core/harvest/harvester.h"
#include "core/prompt/prompt_feed.h"

namespace retort {
namespace {

// An event for each token is that much longer than the answer alone.
constexpr std::size_t kStreamBytesMore = 4;

// What a file of --validate says of an answer's text.
Result<std::function<std::string(const std::string&)>> validator_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  if (!file) return fail(Errc::usage, "cannot read the schema '" + path + "': no such file, or no permission");
  const Result<JsonSchema> schema = JsonSchema::parse(text.str());
  if (!schema) return fail(Errc::usage, path + ": " + schema.error().message);
  return std::function<std::string(const std::string&)>(
      [schema = *schema](const std::string& answer) { return schema.problem_with(answer); });
}

PromptFormat format_named(const std::string& name) {
  return name == "jsonl" ? PromptFormat::jsonl : name == "text" ? PromptFormat::text : PromptFormat::automatic;
}

// A cap can only hold over what has a bound.
Result<void> read_caps(const HarvestFlags& flags, const HarvestSettings& settings, WallTime now, Caps& caps) {
  if (flags.max_usd) caps.money = Usd::from_dollars(*flags.max_usd);
  caps.tokens = flags.max_total_tokens;
  caps.requests = flags.max_requests;
  if (!flags.until.empty()) {
    caps.until = parse_until(flags.until, now);
    if (!caps.until) {
      return fail(Errc::usage,
                  "--until wants a time such as 18:30 or 2026-11-23T06:00:00Z, or a span such as 45m or "
                  "8h, not '" +
                      flags.until + "'");
    }
  }
  if ((caps.money || caps.tokens) && !settings.max_tokens) {
    return fail(Errc::usage, "a cap on " + std::string(caps.money ? "money" : "tokens") +
                                 " can only hold if answers have a bound: give --max-tokens N");
  }
  return {};
}

}  // namespace

Result<HarvestPlan> resolve_harvest(const HarvestFlags& flags, const Edges& edges) {
  HarvestPlan plan;
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
  settings.endpoints = plan.profile.endpoints;
  settings.credential = std::move(*credential);
  settings.parameters = plan.profile.parameters;
  settings.max_tokens = plan.profile.max_tokens;
  if (auto done = apply_sampling(flags.sampling, settings.parameters, settings.max_tokens); !done)
    return fail(done.error());
  settings.samples = flags.samples;
  settings.stream = plan.profile.stream;
  if (settings.stream) settings.body_bytes_max *= kStreamBytesMore;
  const Result<void> accepted = plan.teacher->accepts(settings.parameters, 1);
  if (!accepted) return fail(Errc::usage, "teacher '" + plan.profile.identity.name + "': " + accepted.error().message);
  if (plan.profile.server_side_n) {
    // As many as the dialect takes: OpenAI's bound is 128, others have less.
    settings.choices_max = std::min(flags.samples, 128);
    while (settings.choices_max > 1 && !plan.teacher->accepts(settings.parameters, settings.choices_max))
      --settings.choices_max;
    if (settings.choices_max == 1 && flags.samples > 1)
      say("this teacher's dialect gives one answer to a request: samples are asked one by one");
  }
  settings.follow_ups = flags.follow_ups;
  settings.validate_tries = flags.validate_tries;
  if (!flags.validate.empty()) {
    auto validator = validator_of(flags.validate);
    if (!validator) return fail(validator.error());
    settings.problem_with = std::move(*validator);
  }
  settings.limits = limits;
  settings.retry.attempts_max = flags.attempts;
  settings.connect_timeout = plan.profile.connect_timeout;
  settings.total_timeout = plan.profile.total_timeout;
  settings.first_byte_timeout = plan.profile.first_byte_timeout;
  settings.idle_timeout = plan.profile.idle_timeout;
  settings.retry_failed = std::count(flags.retry.begin(), flags.retry.end(), "failed") > 0;
  settings.retry_truncated = std::count(flags.retry.begin(), flags.retry.end(), "truncated") > 0;
  settings.skip_bad_rows = flags.skip_bad_rows;
  settings.drain = from_seconds(flags.drain_seconds);
  settings.seed = std::random_device{}();
  settings.wait_until_ready = plan.profile.wait_until_ready;
  if (auto read = read_caps(flags, settings, edges.clock.wall(), settings.caps); !read) return fail(read.error());

  PromptSettings prompt = flags.prompt;
  prompt.format = format_named(flags.format);
  Result<std::unique_ptr<PromptSource>> source = open_prompts(flags.prompts, std::move(prompt));
  if (!source) return fail(source.error());
  plan.source = std::move(*source);
  return plan;
}

Result<void> check_terms(const HarvestPlan& plan, bool terms_unknown) {
  const Terms& terms = plan.profile.terms;
  const std::string& name = plan.profile.identity.name;
  say(describe_terms(name, terms));
  if (terms.outputs_may_train || terms_unknown) return {};
  return fail(Errc::terms,
              "what the terms of '" + name +
                  "' allow is unknown: read them and set outputs_may_train (and licence, terms_url) in [teacher." +
                  name + "], or harvest with --terms-unknown; export and train will ask again");
}

namespace {

/// Shared with the other processes of this machine that ask the same teacher; alone where that cannot be had.
std::unique_ptr<PaceBook> open_pace(const Edges& edges, const TeacherProfile& profile) {
  Result<std::unique_ptr<PaceBook>> shared = edges.open_pace(profile.origin + "\n" + profile.identity.model);
  if (shared) return std::move(*shared);
  say("limits are kept for this process alone: " + shared.error().message);
  return std::make_unique<PrivatePace>();
}

Result<int> harvest(const HarvestFlags& flags, Edges& edges) {
  Result<HarvestPlan> resolved = resolve_harvest(flags, edges);
  if (!resolved) return fail(resolved.error());
  HarvestPlan& plan = *resolved;
  if (auto allowed = check_terms(plan, flags.terms_unknown || flags.dry_run); !allowed) return fail(allowed.error());
  if (flags.dry_run) return forecast(plan, {flags.corpus, flags.skip_bad_rows, flags.json}, edges.corpora);

  Result<std::unique_ptr<Transport>> transport = edges.make_transport(plan.profile.transport);
  if (!transport) return fail(transport.error());
  const auto wake = [&wire = **transport] { wire.wake(); };
  Json settings = {{"teacher", plan.profile.identity.name},
                   {"samples", plan.settings.samples},
                   {"parameters", plan.settings.parameters},
                   {"stream", plan.settings.stream},
                   {"follow_ups", plan.settings.follow_ups},
                   {"validate", flags.validate},
                   {"requests_per_minute", plan.settings.limits.requests_per_minute},
                   {"tokens_per_minute", plan.settings.limits.tokens_per_minute},
                   {"in_flight_max", plan.settings.limits.in_flight_max}};
  if (!plan.settings.endpoints.empty()) settings["base_urls"] = plan.settings.endpoints;
  if (plan.settings.max_tokens) settings["max_tokens"] = *plan.settings.max_tokens;
  Result<HarvestSession> session = edges.corpora.harvest(flags.corpus, plan.profile.identity, plan.profile.terms,
                                                         run_start(edges, "harvest", std::move(settings)), wake);
  if (!session) return fail(session.error());
  if (session->recovery.delivery_unknown > 0) {
    say("an earlier run ended without a word: " + with_commas(session->recovery.delivery_unknown) +
        " requests may have been delivered and billed; what has no answer is asked again");
  }

  if (plan.settings.caps.money || plan.settings.caps.tokens || plan.settings.caps.requests) {
    // Read while the lock is held: nobody else can spend in between.
    Result<std::unique_ptr<CorpusReader>> reader = edges.corpora.read(flags.corpus);
    if (!reader) return fail(reader.error());
    const Result<Spent> spent = (*reader)->spent();
    if (!spent) return fail(spent.error());
    plan.settings.spent = *spent;
  }
  const std::unique_ptr<PaceBook> pace = open_pace(edges, plan.profile);

  const Instant started = edges.clock.now();
  HarvestProgress progress(started, isatty(STDERR_FILENO) != 0, flags.quiet);
  on_interrupt(wake);
  HarvestReport report;
  {
    BackgroundFeed feed(std::move(plan.source), wake);
    Harvester harvester(edges.clock, **transport, *session->log, feed, *plan.teacher, *pace, std::move(plan.settings),
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
  if (const auto batches = under_way(flags.corpus); batches && batches->requests > 0)
    say("under way in batches: " + with_commas(batches->requests) + " (retort batch collect takes them in)");
  if (flags.json) print_line(dump_json(summary_json(report.stats, elapsed)));
  if (report.stopped) return fail(*report.stopped);
  if (!closed) return fail(closed.error());
  return code;
}

}  // namespace

void add_question_options(CLI::App& command, HarvestFlags& flags) {
  command.add_option("prompts", flags.prompts, "Files of prompts: JSON lines or plain text; '-' is standard input")
      ->required();
  command.add_option("-t,--teacher", flags.teacher, "Name of a [teacher.NAME] in the configuration")->required();
  add_corpus_option(command, flags.corpus);
  command.add_option("--config", flags.config, "Configuration file (default: retort.toml, then the user's)");
  command.add_option("-n,--samples", flags.samples, "Answers wanted for each prompt")->check(CLI::Range(1, 100'000));
  command
      .add_option("--format", flags.format, "What the files are: auto (by name, or by first character), jsonl or text")
      ->check(CLI::IsMember({"auto", "jsonl", "text"}));
  command.add_option("--prompt-template", flags.prompt.prompt_template,
                     "Make the prompt from a row's fields: 'Solve: {{question}}'");
  command.add_option("--system", flags.prompt.system, "System message for prompts that have none");
  add_sampling_options(command, flags.sampling);
  command.add_option("--max-usd", flags.max_usd, "Stop before this corpus has cost more than so many dollars in all")
      ->check(CLI::NonNegativeNumber);
  command
      .add_option("--max-total-tokens", flags.max_total_tokens,
                  "Stop before this corpus has used more than so many tokens in all, in and out")
      ->check(CLI::Range(std::int64_t{0}, std::int64_t{1} << 60));
  command.add_option("--max-requests", flags.max_requests, "Stop before more requests than these were sent in all")
      ->check(CLI::Range(std::int64_t{0}, std::int64_t{1} << 60));
  command.add_option("--attempts", flags.attempts, "Failed attempts after which a request has failed for good")
      ->check(CLI::Range(1, 1000));
  command.add_option("--retry", flags.retry, "Ask again what is 'failed' or 'truncated' (or both: failed,truncated)")
      ->delimiter(',')
      ->check(CLI::IsMember({"failed", "truncated"}));
  command.add_flag("--skip-bad-rows", flags.skip_bad_rows,
                   "Go on with the rest where a row is broken (exit 3), instead of stopping there");
  command.add_flag("--terms-unknown", flags.terms_unknown, "Ask although it is unknown what the teacher's terms allow");
  command.add_flag("-q,--quiet", flags.quiet, "No progress, only the summary");
  command.add_flag("--json", flags.json, "Print the summary as JSON on standard output");
}

void add_harvest(CLI::App& app, Action& action) {
  const auto flags = std::make_shared<HarvestFlags>();
  CLI::App* command = app.add_subcommand("harvest", "Ask a teacher every prompt, and keep every answer");
  add_question_options(*command, *flags);
  command
      ->add_option("--follow-up", flags->follow_ups,
                   "What the user says next to each answer (repeatable: a script of turns)")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  command->add_option("--validate", flags->validate, "Answers must be JSON of the schema in this file");
  command->add_option("--validate-tries", flags->validate_tries, "Answers of another shape after which it has failed")
      ->check(CLI::Range(1, 1000));
  command->add_option("--max-in-flight", flags->in_flight, "Requests on the wire at once")
      ->check(CLI::Range(1, 100'000));
  command->add_option("--requests-per-minute", flags->requests_per_minute, "Overrides the profile's limit")
      ->check(CLI::PositiveNumber);
  command->add_option("--tokens-per-minute", flags->tokens_per_minute, "Overrides the profile's limit")
      ->check(CLI::PositiveNumber);
  command->add_option("--until", flags->until, "Send nothing more from that time on: 18:30, a date, or 45m, 8h, 2d");
  command->add_option("--drain", flags->drain_seconds, "Seconds that Ctrl-C waits for answers on the wire")
      ->check(CLI::NonNegativeNumber);
  command->add_flag("--dry-run", flags->dry_run,
                    "Only predict requests, tokens, cost and time; nothing is sent or written");
  command->footer(
      "Example:\n  retort harvest prompts.jsonl -t r1 -c corpus.db -n 4\n  cat questions.txt | retort harvest - -t r1");
  command->callback([flags, &action] { action = [flags](Edges& edges) { return harvest(*flags, edges); }; });
}

}  // namespace retort
