// What a harvest would ask, cost and take, from what the corpus already shows.
#pragma once

#include <memory>
#include <string>

#include "cli/config.h"
#include "core/base/result.h"
#include "core/corpus/corpus.h"
#include "core/harvest/harvester.h"
#include "core/prompt/prompt_feed.h"
#include "core/teacher/teacher.h"

namespace retort {

/// What was typed, resolved and checked.
struct HarvestPlan {
  TeacherProfile profile;
  HarvestSettings settings;
  std::unique_ptr<Teacher> teacher;
  std::unique_ptr<PromptSource> source;
};

struct ForecastOptions {
  std::string corpus;
  bool skip_bad_rows = false;
  bool json = false;
};

/// Prints requests, tokens, money and duration, expected and at most. Sends and writes nothing; reads all prompts.
Result<int> forecast(HarvestPlan& plan, const ForecastOptions& options, CorpusOpener& corpora);

}  // namespace retort
