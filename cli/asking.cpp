#include "cli/asking.h"

#include <unistd.h>

#include <random>

#include "cli/config.h"
#include "cli/exit_codes.h"
#include "cli/options.h"
#include "cli/terminal.h"
#include "cli/until.h"

namespace retort {
namespace {

// An event for each token is that much longer than the answer alone.
constexpr std::size_t kStreamBytesMore = 4;

// A cap can only hold over what has a bound.
Result<void> read_caps(const CapFlags& flags, const TeacherProfile& profile, WallTime now, HarvestSettings& settings) {
  constexpr Tokens kMillion = 1'000'000;
  Caps& caps = settings.caps;
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
  if (caps.money && profile.settings.prices.most(kMillion, kMillion) <= Usd{}) {
    const std::string& name = profile.identity.name;
    return fail(Errc::usage,
                "--max-usd can only hold where prices are known: state price_input_per_million and "
                "price_output_per_million in [teacher." +
                    name +
                    "], or cap --max-total-tokens or "
                    "--max-requests");
  }
  return {};
}

void read_limits(const AskingFlags& flags, TeacherProfile& profile) {
  Limits& limits = profile.limits;
  if (flags.in_flight) limits.in_flight_max = *flags.in_flight;
  if (flags.requests_per_minute) limits.requests_per_minute = *flags.requests_per_minute;
  if (flags.tokens_per_minute) limits.tokens_per_minute = *flags.tokens_per_minute;
  if (const int allowed = claim_connections(limits.in_flight_max); allowed < limits.in_flight_max) {
    say("this process may open too few files for " + std::to_string(limits.in_flight_max) +
        " requests in flight: using " + std::to_string(allowed) + " (raise 'ulimit -n')");
    limits.in_flight_max = allowed;
  }
  profile.transport.max_connections = limits.in_flight_max;
}

/// Shared with the other processes of this machine that ask the same teacher; alone where that cannot be had.
std::unique_ptr<PaceBook> open_pace(const Edges& edges, const TeacherProfile& profile) {
  Result<std::unique_ptr<PaceBook>> shared = edges.open_pace(profile.origin + "\n" + profile.identity.model);
  if (shared) return std::move(*shared);
  say("limits are kept for this process alone: " + shared.error().message);
  return std::make_unique<PrivatePace>();
}

}  // namespace

void add_cap_options(CLI::App& command, CapFlags& flags) {
  command.add_option("--max-usd", flags.max_usd, "Stop before this corpus has cost more than so many dollars in all")
      ->check(number_from_zero());
  command
      .add_option("--max-total-tokens", flags.max_total_tokens,
                  "Stop before this corpus has used more than so many tokens in all, in and out")
      ->check(CLI::Range(std::int64_t{0}, std::int64_t{1} << 60));
  command.add_option("--max-requests", flags.max_requests, "Stop before more requests than these were sent in all")
      ->check(CLI::Range(std::int64_t{0}, std::int64_t{1} << 60));
}

void add_until_option(CLI::App& command, CapFlags& flags) {
  command.add_option("--until", flags.until, "Send nothing more from that time on: 18:30, a date, or 45m, 8h, 2d");
}

void add_question_options(CLI::App& command, AskingFlags& flags) {
  command.add_option("--config", flags.config, "Configuration file (default: retort.toml, then the user's)");
  add_sampling_options(command, flags.sampling);
  add_cap_options(command, flags.caps);
  command.add_option("--attempts", flags.attempts, "Failed attempts after which a request has failed for good")
      ->check(CLI::Range(1, 1000));
  command.add_flag("--terms-unknown", flags.terms_unknown, "Ask although it is unknown what the teacher's terms allow");
  command.add_flag("-q,--quiet", flags.quiet, "No progress, only the summary");
}

void add_wire_options(CLI::App& command, AskingFlags& flags) {
  command.add_option("--max-in-flight", flags.in_flight, "Requests on the wire at once")->check(CLI::Range(1, 100'000));
  command.add_option("--requests-per-minute", flags.requests_per_minute, "Overrides the profile's limit")
      ->check(positive_number());
  command.add_option("--tokens-per-minute", flags.tokens_per_minute, "Overrides the profile's limit")
      ->check(positive_number());
  add_until_option(command, flags.caps);
  command.add_option("--drain", flags.drain_seconds, "Seconds that Ctrl-C waits for answers on the wire")
      ->check(number_from_zero());
}

Result<HarvestPlan> plan_asking(const AskingFlags& flags, const Edges& edges) {
  HarvestPlan plan;
  Result<Configuration> configuration = load_configuration(flags.config);
  if (!configuration) return fail(configuration.error());
  Result<TeacherProfile> profile = find_teacher(*configuration, flags.teacher);
  if (!profile) return fail(profile.error());
  plan.profile = std::move(*profile);
  read_limits(flags, plan.profile);
  Result<std::string> credential = credential_of(plan.profile);
  if (!credential) return fail(credential.error());
  if (auto done = apply_sampling(flags.sampling, plan.profile); !done) return fail(done.error());
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
  settings.stream = plan.profile.stream;
  if (settings.stream) settings.body_bytes_max *= kStreamBytesMore;
  const Result<void> accepted = plan.teacher->accepts(settings.parameters, 1);
  if (!accepted) return fail(Errc::usage, "teacher '" + plan.profile.identity.name + "': " + accepted.error().message);
  settings.limits = plan.profile.limits;
  settings.retry.attempts_max = flags.attempts;
  settings.connect_timeout = plan.profile.connect_timeout;
  settings.total_timeout = plan.profile.total_timeout;
  settings.first_byte_timeout = plan.profile.first_byte_timeout;
  settings.idle_timeout = plan.profile.idle_timeout;
  settings.drain = from_seconds(flags.drain_seconds);
  settings.seed = std::random_device{}();
  settings.wait_until_ready = plan.profile.wait_until_ready;
  if (auto read = read_caps(flags.caps, plan.profile, edges.clock.wall(), settings); !read) return fail(read.error());
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

Asking::Asking(Edges& edges, HarvestPlan& plan, bool quiet)
    : edges_(edges),
      plan_(plan),
      quiet_(quiet),
      started_(edges.clock.now()),
      progress_(started_, isatty(STDERR_FILENO) != 0, quiet) {}

Asking::~Asking() {
  on_interrupt([] {});  // the transport is about to go
}

Result<std::unique_ptr<Asking>> Asking::open(Edges& edges, HarvestPlan& plan, const std::string& corpus, RunStart run,
                                             bool quiet) {
  Result<std::unique_ptr<Transport>> transport = edges.make_transport(plan.profile.transport);
  if (!transport) return fail(transport.error());
  const auto wake = [&wire = **transport] { wire.wake(); };
  Result<HarvestSession> session =
      edges.corpora.harvest(corpus, plan.profile.identity, plan.profile.terms, std::move(run), wake);
  if (!session) return fail(session.error());
  if (session->recovery.delivery_unknown > 0) {
    say("an earlier run ended without a word: " + with_commas(session->recovery.delivery_unknown) +
        " requests may have been delivered and billed; what has no answer is asked again");
  }
  if (plan.settings.caps.money || plan.settings.caps.tokens || plan.settings.caps.requests) {
    // Read while the lock is held: nobody else can spend in between.
    Result<std::unique_ptr<CorpusReader>> reader = edges.corpora.read(corpus);
    if (!reader) return fail(reader.error());
    const Result<Spent> spent = (*reader)->spent();
    if (!spent) return fail(spent.error());
    plan.settings.spent = *spent;
  }
  std::unique_ptr<Asking> asking(new Asking(edges, plan, quiet));
  asking->transport_ = std::move(*transport);
  asking->session_ = std::move(*session);
  asking->pace_ = open_pace(edges, plan.profile);
  on_interrupt(wake);
  return asking;
}

HarvestReport Asking::run(std::unique_ptr<PromptSource> source) {
  BackgroundFeed feed(std::move(source), [&wire = *transport_] { wire.wake(); });
  Harvester harvester(edges_.clock, *transport_, *session_.log, feed, *plan_.teacher, *pace_, plan_.settings,
                      progress_);
  report_ = harvester.run(interrupted);
  return report_;
}

Result<void> Asking::ask(std::vector<PromptRow> rows) {
  if (!enquiry_) {
    enquiry_ = std::make_unique<Enquiry>(edges_.clock, *transport_, *session_.log, *plan_.teacher, *pace_,
                                         plan_.settings, progress_);
  }
  return enquiry_->ask(std::move(rows), interrupted);
}

Result<int> Asking::close(bool say_summary) {
  if (enquiry_) report_ = enquiry_->end(interrupted);
  enquiry_.reset();
  on_interrupt([] {});
  progress_.finish();
  elapsed_ = edges_.clock.now() - started_;
  const HarvestStats& stats = report_.stats;
  int code = stats.failed + stats.already_failed + stats.bad_rows > 0 ? kExitSomeFailed : kExitComplete;
  if (report_.stopped)
    code = report_.stopped->code == Errc::interrupted ? interrupted_exit_code() : exit_code_of(report_.stopped->code);
  const Result<void> closed = session_.log->close({code, stats.used.money, summary_json(stats, elapsed_)});
  if (say_summary) say(summary_text(stats, elapsed_));
  if (say_summary && stats.already_failed > 0)
    say("failed before: " + with_commas(stats.already_failed) + " (--retry failed asks them again)");
  session_.log.reset();  // another run may hold the corpus now
  if (report_.stopped) return fail(*report_.stopped);
  if (!closed) return fail(closed.error());
  return code;
}

}  // namespace retort
