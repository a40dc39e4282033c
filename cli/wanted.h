// What a harvest would ask: prompts, samples and turns that the corpus does not hold.
#pragma once

#include <cstdint>

#include "cli/forecast.h"
#include "core/base/result.h"
#include "core/base/units.h"
#include "core/corpus/corpus.h"

namespace retort {

struct Wanted {
  std::int64_t rows = 0, bad_rows = 0;
  std::int64_t requests = 0;    ///< to ask, follow-ups among them; equal rows count each time
  std::int64_t follow_ups = 0;  ///< of them: turns of a script that has one for each answer
  std::int64_t settled = 0;
  std::int64_t prompt_bytes = 0;        ///< of what is to ask, as stored, without the answers that are not there yet
  std::int64_t answers_read_again = 0;  ///< answers that will stand in later turns' questions
  Tokens answer_most = 0;               ///< one answer's bound, or guess
  Cost most;
};

/// Reads all prompts of the plan. `corpus` may be null: then nothing is settled.
Result<Wanted> count_wanted(HarvestPlan& plan, bool skip_bad_rows, CorpusReader* corpus);

}  // namespace retort
