// `retort batch submit` from the inside: prompts become requests as a harvest's do, what the corpus lacks is put into
// batches, and each full batch goes to the provider before the next is begun.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/base/random.h"
#include "core/batch/batch_settings.h"
#include "core/batch/batch_uploader.h"
#include "core/harvest/budget.h"
#include "core/harvest/planner.h"
#include "core/prompt/prompt_feed.h"

namespace retort {

struct SubmitReport {
  HarvestStats stats;
  struct Line {
    RowId batch = 0;
    Brought brought;
  };
  std::vector<Line> batches;     ///< that were brought to the provider, or tried
  std::int64_t in_batches = 0;   ///< requests that were under way already
  std::int64_t too_large = 0;    ///< requests that fit into no batch
  Usd reserved;                  ///< for what was submitted now
  std::optional<Error> stopped;  ///< why it ended before everything was submitted
};

class BatchSubmitter {
 public:
  BatchSubmitter(const Clock& clock, BatchWire& wire, BatchLog& log, PromptFeed& prompts, const Teacher& teacher,
                 const BatchApi& api, BatchSettings settings, HarvestObserver& observer);

  /// First goes on with what an earlier submit left, then with the prompts. `teacher`: whose batches those are.
  SubmitReport run(const TeacherIdentity& teacher);

 private:
  struct Place {
    Work work;
    Cost bound;
  };

  void resume(const TeacherIdentity& teacher);
  void plan();
  /// False when nothing more is to be read or handed out just now.
  bool step();
  void place(Work work);
  bool fits(std::size_t line_bytes) const;
  void begin_placed();
  void close_batch();
  void bring(const BatchRecord& batch);
  void settled(const Work& work);
  void stop(Error error);

  const Clock& clock_;
  BatchWire& wire_;
  BatchLog& log_;
  PromptFeed& prompts_;
  const Teacher& teacher_;
  const BatchApi& api_;
  const BatchSettings settings_;
  HarvestObserver& observer_;
  BatchUploader uploader_;
  SubmitReport report_;
  Budget budget_;
  Planner planner_;
  Random keys_;

  RowId batch_ = 0;  ///< being put together; 0: none
  std::string key_;
  std::vector<Place> placed_;  ///< not yet on record
  std::size_t batch_requests_ = 0, batch_bytes_ = 0;
};

/// Whether a batch is one of that profile's: by whom it was asked, and where.
bool is_batch_of(const BatchRecord& batch, const TeacherIdentity& teacher);

}  // namespace retort
