// Brings a batch from the corpus to the provider, from wherever an earlier attempt at it ended.
#pragma once

#include "core/batch/batch_finder.h"

namespace retort {

struct Brought {
  enum class How {
    submitted,  ///< the provider's id is on record
    in_doubt,   ///< it may be there already: left as it is
    empty,      ///< nothing of it was left to ask
  };
  How how = How::submitted;
  std::string id;     ///< the provider's
  std::string doubt;  ///
  std::int64_t requests = 0;
};

class BatchUploader {
 public:
  BatchUploader(const Clock& clock, BatchWire& wire, BatchLog& log, const Teacher& teacher, const BatchApi& api,
                Duration settle)
      : clock_(clock), wire_(wire), log_(log), teacher_(teacher), api_(api), finder_(clock, wire, log, api, settle) {}

  /// Before every step that may cost money the corpus says that it may have been taken. If the provider turns the batch
  /// away, its requests are pending again and the error says why; after any other error the next bring() goes on.
  Result<Brought> bring(BatchRecord batch);

 private:
  Result<std::string> lines_of(BatchRecord& batch);
  Result<void> upload(BatchRecord& batch, const std::string& lines);
  Result<Brought> create(BatchRecord& batch, const std::string& lines);
  Result<Brought> adopt(const BatchRecord& batch, const BatchView& view);
  Result<Brought> leave_in_doubt(const BatchRecord& batch, const std::string& why);
  Result<void> turned_away(const BatchRecord& batch, const WireTrouble& trouble);

  const Clock& clock_;
  BatchWire& wire_;
  BatchLog& log_;
  const Teacher& teacher_;
  const BatchApi& api_;
  BatchFinder finder_;
};

}  // namespace retort
