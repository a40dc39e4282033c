// Asking a teacher, from flags to records: what `harvest`, a judge and the makers of prompts share. Profile, limits,
// caps, terms, pace and the corpus's one writer are the same for all of them.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cli/command.h"
#include "cli/forecast.h"
#include "cli/progress.h"
#include "cli/sampling.h"
#include "core/harvest/enquiry.h"

namespace retort {

struct CapFlags {
  std::optional<double> max_usd;
  std::optional<std::int64_t> max_total_tokens, max_requests;
  std::string until;
};

struct AskingFlags {
  std::string teacher;
  std::string config;
  SamplingFlags sampling;
  std::optional<int> in_flight;
  std::optional<double> requests_per_minute, tokens_per_minute;
  CapFlags caps;
  int attempts = 5;
  double drain_seconds = 60;
  bool terms_unknown = false;
  bool quiet = false;
};

// `flags` must outlive the command.
/// --max-usd, --max-total-tokens, --max-requests.
void add_cap_options(CLI::App& command, CapFlags& flags);
void add_until_option(CLI::App& command, CapFlags& flags);
/// What every way of asking has: --config, sampling, caps, --attempts, --terms-unknown, -q.
void add_question_options(CLI::App& command, AskingFlags& flags);
/// What asking one by one has as well: limits, --until, --drain.
void add_wire_options(CLI::App& command, AskingFlags& flags);

/// Profile, dialect and settings of that teacher; no prompts yet. Errc::usage says what is wrong.
Result<HarvestPlan> plan_asking(const AskingFlags& flags, const Edges& edges);

/// Says what the teacher's terms allow. Errc::terms if that is unknown and nobody said that it may be.
Result<void> check_terms(const HarvestPlan& plan, bool terms_unknown);

/// The corpus's one writer, held, with a way to the teacher.
class Asking {
 public:
  /// `settings` go into the run's record. The plan's settings are completed by what the corpus has spent.
  static Result<std::unique_ptr<Asking>> open(Edges& edges, HarvestPlan& plan, const std::string& corpus, RunStart run,
                                              bool quiet);
  ~Asking();

  /// Everything that `source` brings. Once, and not after ask().
  HarvestReport run(std::unique_ptr<PromptSource> source);
  /// One batch, see Enquiry. Any number of times.
  Result<void> ask(std::vector<PromptRow> rows);
  /// Ends what ask() began and the run's record, and says the summary, unless quiet. The exit code, or why it stopped.
  Result<int> close(bool say_summary);

  const HarvestReport& report() const { return report_; }
  Duration elapsed() const { return elapsed_; }

 private:
  Asking(Edges& edges, HarvestPlan& plan, bool quiet);

  Edges& edges_;
  HarvestPlan& plan_;
  bool quiet_;
  std::unique_ptr<Transport> transport_;
  HarvestSession session_;
  std::unique_ptr<PaceBook> pace_;
  Instant started_;
  HarvestProgress progress_;
  std::unique_ptr<Enquiry> enquiry_;
  HarvestReport report_;
  Duration elapsed_{};
};

}  // namespace retort
