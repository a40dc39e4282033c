// Is there a batch of ours at the provider whose id we never learned? Between the call that makes a batch and its id on
// our disk, a process may die and a connection may break: asking the provider costs nothing, asking twice costs a
// batch.
#pragma once

#include <optional>
#include <string>

#include "core/batch/batch_settings.h"
#include "core/batch/batch_wire.h"
#include "core/corpus/batch.h"

namespace retort {

struct FoundBatch {
  enum class Is {
    there,     ///< `view` is it
    absent,    ///< for certain, as far as the provider's list can be believed
    in_doubt,  ///< it cannot be told, or not yet: nothing of it may be asked again
  };
  Is is = Is::absent;
  BatchView view;
  std::string doubt;  ///< one line for people
};

class BatchFinder {
 public:
  BatchFinder(const Clock& clock, BatchWire& wire, BatchLog& log, const BatchApi& api, Duration settle)
      : clock_(clock), wire_(wire), log_(log), api_(api), settle_(settle) {}

  /// Reads the provider's whole list. An error is one of the wire or of the corpus: nothing is known then.
  Result<FoundBatch> find(const BatchRecord& batch);

 private:
  Result<FoundBatch> look(const BatchRecord& batch);
  Result<FoundBatch> judge(const BatchRecord& batch, const BatchView& view);
  Result<FoundBatch> by_results(const BatchRecord& batch, const BatchView& view);

  const Clock& clock_;
  BatchWire& wire_;
  BatchLog& log_;
  const BatchApi& api_;
  Duration settle_;
};

}  // namespace retort
