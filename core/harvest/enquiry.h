// Questions in batches, for somebody who waits for the answers: a judge that grades, a maker of prompts that needs one
// answer for its next question. The same harvester as any, with its pace, caps and records; between two batches nothing
// is on the wire.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "core/harvest/harvester.h"

namespace retort {

/// Used by one thread at a time.
class Enquiry {
 public:
  /// As Harvester's; `samples` of the settings is 1 unless a row says otherwise.
  Enquiry(const Clock& clock, Transport& transport, HarvestLog& log, const Teacher& teacher, PaceBook& pace,
          HarvestSettings settings, HarvestObserver& observer);
  ~Enquiry();

  /// Returns when every row is answered, durably, or has failed for good; the answers are then in the corpus. An Error
  /// if the harvest stopped (a cap, a quota, a refusal of us, the disk, the user): then nothing more can be asked.
  Result<void> ask(std::vector<PromptRow> rows, const std::function<bool()>& stop_requested);

  /// No more questions: waits for what is left and gives the account.
  HarvestReport end(const std::function<bool()>& stop_requested);

 private:
  class Queue;
  class Watch;
  bool turn(const std::function<bool()>& stop_requested);

  Transport& transport_;
  std::unique_ptr<Queue> queue_;
  std::unique_ptr<Watch> watch_;
  Harvester harvester_;
  std::span<NetEvent> events_;
  std::int64_t given_ = 0;
  bool over_ = false;
};

}  // namespace retort
