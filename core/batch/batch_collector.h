// `retort batch collect` from the inside: asks how a batch stands and, once it is over, takes in all that came of it, a
// line at a time. What is on record already is passed over, so that it may be killed and called again at any point.
#pragma once

#include <optional>
#include <string>
#include <unordered_set>
#include <vector>

#include "core/base/random.h"
#include "core/batch/batch_finder.h"
#include "core/batch/batch_settings.h"
#include "core/harvest/tally.h"

namespace retort {

/// What one look at a batch brought.
struct Collected {
  enum class How {
    under_way,  ///< the provider is not done with it
    collected,  ///< everything is in the corpus
    rejected,   ///< the provider found it wanting: its requests are pending again
    in_doubt,   ///< whether it exists is not known
  };
  How how = How::under_way;
  BatchView view;
  std::string word;           ///< why rejected or in doubt
  std::int64_t answered = 0;  ///< now
  std::int64_t pending = 0;   ///< requests that are to be asked again: expired, cancelled, failed for now
  std::int64_t failed = 0;    ///< for good
  std::int64_t already = 0;   ///< lines that were on record
  std::int64_t strange = 0;   ///< lines that belong to no question of this batch
};

class BatchCollector {
 public:
  BatchCollector(const Clock& clock, BatchWire& wire, BatchLog& log, const Teacher& teacher, const BatchApi& api,
                 BatchSettings settings);

  /// An error is one of wire or corpus: what is on record stays, and the next call goes on.
  Result<Collected> collect(BatchRecord batch);
  const HarvestStats& stats() const { return tally_.stats; }

 private:
  Result<void> take_results(const BatchView& view);
  void take_line(std::string_view line, bool whole);
  AttemptEnd read(const BatchQuestion& asked, const std::optional<BatchLine>& line, std::string_view raw, bool whole);
  void read_reply(const BatchQuestion& asked, const BatchLine& line, AttemptEnd& end);
  void conclude(const BatchQuestion& asked, AttemptEnd end);
  void store();

  const Clock& clock_;
  BatchWire& wire_;
  BatchLog& log_;
  const Teacher& teacher_;
  const BatchApi& api_;
  const BatchSettings settings_;
  BatchFinder finder_;
  Tally tally_;
  Random random_;

  BatchRecord batch_;
  Collected result_;
  std::vector<AttemptEnd> ends_;  ///< not yet on record
  std::unordered_set<RowId> ending_;
  std::size_t bytes_ = 0;
  std::optional<Error> failure_;  ///< of the corpus
};

}  // namespace retort
