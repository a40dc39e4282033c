// A teacher that is asked for retort's own ends, in batches: a judge, a maker of prompts. What the corpus has an answer
// to is not asked again, and until something is to be asked the corpus's writer is not needed.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cli/asking.h"

namespace retort {

struct Inquiry {
  PromptRow row;
  int sample = 0;
};

class Consultant {
 public:
  /// Reads the configuration and checks the terms; sends nothing. `role` as in RunStart; `settings` are for the record.
  static Result<std::unique_ptr<Consultant>> open(Edges& edges, const AskingFlags& flags, std::string corpus,
                                                  std::string role, Json settings);
  /// Ends the run's record, if one was begun.
  ~Consultant();

  /// The answer to each, in order; nothing where the request failed for good. An Error ends it: a cap, a quota, …
  Result<std::vector<std::optional<KnownAnswer>>> ask(const std::vector<Inquiry>& inquiries);

  const HarvestPlan& plan() const { return plan_; }
  HarvestPlan& plan() { return plan_; }
  /// Before the first ask().
  Json& parameters() { return plan_.settings.parameters; }

 private:
  Consultant(Edges& edges, const AskingFlags& flags, std::string corpus, std::string role, Json settings)
      : edges_(edges),
        flags_(flags),
        corpus_(std::move(corpus)),
        role_(std::move(role)),
        settings_(std::move(settings)) {}
  Result<std::optional<KnownAnswer>> known(const Inquiry& inquiry) const;
  Result<void> begin();

  Edges& edges_;
  AskingFlags flags_;
  std::string corpus_, role_;
  Json settings_;
  HarvestPlan plan_;
  std::unique_ptr<CorpusReader> reader_;
  std::unique_ptr<Asking> asking_;
};

/// --config, caps, --terms-unknown: what a judge needs beside its profile. `flags` must outlive the command.
void add_judge_options(CLI::App& command, AskingFlags& flags);

/// What graders need, with a judge that asks through the harvester into that corpus.
GraderTools judging_tools(Edges& edges, GraderTools tools, const std::string& corpus, const AskingFlags& flags);

}  // namespace retort
