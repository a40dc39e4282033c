// `retort harvest --until-verified K`: rounds of asking, grading and wanting, until every prompt has K verified
// answers, was asked N times, or a cap ends it.
#pragma once

#include <string>

#include "cli/asking.h"

namespace retort {

struct UntilVerified {
  int verified = 0;  ///< K; 0: no rounds
  int samples_max = 16;
  std::string grader = "exact";
};

struct RoundsSetup {
  std::string corpus;
  Json run_settings;
  GraderTools graders;
  bool quiet = false, json = false;
};

/// `flags` must outlive the command.
void add_until_verified_options(CLI::App& command, UntilVerified& flags);
Json to_json(const UntilVerified& flags);

/// What the corpus wants, as a source. Says so if that is nothing.
Result<std::unique_ptr<PromptSource>> wanted_source(Edges& edges, const std::string& corpus,
                                                    const HarvestSettings& settings);

/// The plan's settings say how many samples the first round asks. Prints the report; the exit code as of a harvest.
Result<int> harvest_until_verified(Edges& edges, HarvestPlan& plan, const RoundsSetup& setup,
                                   const UntilVerified& flags);

}  // namespace retort
