// From the words that say what is asked, and which of it, to a plan: shared by the commands that ask prompts.
#pragma once

#include <string>
#include <vector>

#include "cli/asking.h"
#include "cli/until_verified.h"

namespace retort {

struct HarvestFlags {
  std::vector<std::string> prompts;
  bool wanted = false;  ///< what the corpus wants, instead of prompts
  AskingFlags asking;
  std::string corpus = "corpus.db";
  std::string format = "auto";
  PromptSettings prompt;
  int samples = 0;  ///< 0: not given
  std::string validate;
  int validate_tries = 2;
  std::vector<std::string> follow_ups;
  std::vector<std::string> retry;
  bool skip_bad_rows = false;
  bool dry_run = false;
  bool json = false;
  UntilVerified until_verified;
  std::string role;  ///< as in RunStart; no option sets it
};

/// Reads the configuration, the key and the schema, opens the prompts; sends nothing.
Result<HarvestPlan> resolve_harvest(const HarvestFlags& flags, Edges& edges);

/// Asks; the exit code as of `retort harvest`, or why it stopped.
Result<int> run_harvest(const HarvestFlags& flags, Edges& edges);

/// Prompts, samples and all that `harvest` and `batch submit` share; the option --samples, for more to be said of it.
/// `flags` must outlive the command.
CLI::Option* add_prompt_options(CLI::App& command, HarvestFlags& flags);

}  // namespace retort
