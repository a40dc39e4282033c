// A teacher as a candidate of `retort eval`: asked through the harvester, so that everything it answers is kept and
// nothing is paid for twice.
#pragma once

#include <functional>
#include <vector>

#include "cli/harvest_plan.h"
#include "cli/student_module.h"

namespace retort {

/// Every sample of every row: row by row, samples together.
using AskAll = std::function<Result<std::vector<StudentAnswer>>(const std::vector<PromptRow>& rows)>;

/// Harvests what the corpus lacks, in a role of its own, so that what a teacher was examined in is never trained on;
/// then answers from the corpus. What was cut or never came is empty.
Result<AskAll> teacher_as_candidate(Edges& edges, HarvestFlags flags);

}  // namespace retort
