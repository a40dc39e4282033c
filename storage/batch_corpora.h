// Batches in corpora that are SQLite files: the one implementation of the port that outlives the process.
#pragma once

#include "core/base/clock.h"
#include "core/corpus/batch.h"

namespace retort {

/// The batches of corpora that are SQLite files. The clock must outlive it and everything opened by it.
class SqliteBatchCorpora final : public BatchCorpora {
 public:
  explicit SqliteBatchCorpora(const Clock& clock) : clock_(clock) {}
  Result<std::unique_ptr<BatchLog>> batch(const std::string& path, const TeacherIdentity& teacher, const Terms& terms,
                                          const RunStart& run) override;
  Result<std::vector<BatchRecord>> batches(const std::string& path) override;

 private:
  const Clock& clock_;
};

}  // namespace retort
