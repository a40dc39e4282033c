// From the words that say what is asked, of whom and up to which cap, to a plan: shared by the commands that ask.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cli/command.h"
#include "cli/forecast.h"
#include "cli/sampling.h"

namespace retort {

struct HarvestFlags {
  std::vector<std::string> prompts;
  std::string teacher;
  std::string corpus = "corpus.db";
  std::string config;
  std::string format = "auto";
  PromptSettings prompt;
  int samples = 1;
  SamplingFlags sampling;
  std::string validate;
  int validate_tries = 2;
  std::vector<std::string> follow_ups;
  std::optional<int> in_flight;
  std::optional<double> requests_per_minute, tokens_per_minute;
  std::optional<double> max_usd;
  std::optional<std::int64_t> max_total_tokens, max_requests;
  std::string until;
  std::vector<std::string> retry;
  bool skip_bad_rows = false;
  bool terms_unknown = false;
  bool dry_run = false;
  bool json = false;
  bool quiet = false;
  int attempts = 5;
  double drain_seconds = 60;
};

/// Reads the configuration, the key and the schema, opens the prompts; sends nothing.
Result<HarvestPlan> resolve_harvest(const HarvestFlags& flags, const Edges& edges);

/// Says what the teacher's terms allow; Errc::terms if that is unknown and `terms_unknown` is not set.
Result<void> check_terms(const HarvestPlan& plan, bool terms_unknown);

/// The options that `harvest` and `batch submit` share. `flags` must outlive the command.
void add_question_options(CLI::App& command, HarvestFlags& flags);

}  // namespace retort
