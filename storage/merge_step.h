// One source into one corpus, table by table, as SQL over an attached database: rows get new ids, and temporary tables
// say which. Columns are read from the schema, so that a new one is merged as well.
#pragma once

#include <array>
#include <string>
#include <utility>
#include <vector>

#include "core/corpus/merge.h"
#include "storage/connection.h"

namespace retort {

/// A table of the schema stands in one of these two lists: tests/contract/merge_test.cpp holds it.
inline constexpr std::array kMergedTables = {
    "terms", "teacher",  "run",       "prompt", "source_row", "request",   "attempt",   "batch",     "response",
    "raw",   "logprobs", "redecoded", "stage",  "label",      "tombstone", "forgotten", "amendment", "made_prompt"};
/// Said, chosen or wanted of what one corpus alone held.
inline constexpr std::array kLeftBehindTables = {"permission", "view", "view_pair", "view_drop", "want"};

class MergeStep {
 public:
  /// `schema` is the source's name as it was attached; within a transaction.
  MergeStep(Connection& connection, std::string schema, const MergeOrder& order, std::string now)
      : connection_(connection), schema_(std::move(schema)), order_(order), now_(std::move(now)) {}

  /// `run`: the merge itself, which buries what only the source had forgotten.
  Result<MergedSource> run(RowId run);

 private:
  Result<void> begin();
  Result<void> map_by_content();
  Result<void> map_batches();
  Result<void> map_prompts();
  Result<void> map_requests();
  Result<void> add_samples();
  Result<void> map_attempts();
  Result<void> map_responses();
  Result<void> point_requests();
  Result<void> copy_leaves();
  Result<void> count();

  /// A statement made of identifiers and numbers; "@" stands for the source's schema.
  Result<void> script(std::string sql);
  Result<std::int64_t> number(std::string sql);
  /// INSERT INTO table … of the rows of `from` (which names them `one`): each column as `changes` say, references
  /// by the maps (Errc::internal for a reference that has none), and the rest as it stands. `conflict` follows INSERT.
  Result<void> copy(const std::string& table, const std::string& from,
                    const std::vector<std::pair<std::string, std::string>>& changes, const std::string& conflict = "");

  Connection& connection_;
  std::string schema_;
  const MergeOrder& order_;
  std::string now_;
  MergedSource merged_;
};

}  // namespace retort
