// The list of runs: who did what with a corpus, and how it ended.
#pragma once

#include <optional>
#include <string>

#include "core/corpus/records.h"
#include "storage/connection.h"

namespace retort {

/// Adds a run that is under way. `now` is its beginning, as the corpus writes times.
Result<RowId> add_run(Connection& connection, const RunStart& run, std::optional<RowId> teacher,
                      const std::string& now);

Result<void> end_run(Connection& connection, RowId run, const RunEnd& end, const std::string& now);

}  // namespace retort
