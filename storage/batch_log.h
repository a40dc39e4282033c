// Batches on record: what was handed to a provider's batch API, and what came of it. Each call is a transaction of its
// own; requests, attempts and answers are written as a harvest writes them.
#pragma once

#include <memory>

#include "core/base/clock.h"
#include "core/corpus/batch.h"
#include "storage/connection.h"
#include "storage/entry_writer.h"
#include "storage/harvest_lock.h"

namespace retort {

class SqliteBatchLog final : public BatchLog {
 public:
  SqliteBatchLog(HarvestLock lock, std::unique_ptr<Connection> connection, const Clock& clock,
                 const TeacherIdentity& teacher, HarvestIds ids);

  Result<Registered> look_up(Register entry) override;
  Result<RowId> open(const std::string& key) override;
  Result<std::vector<RowId>> begin(RowId batch, const std::vector<AttemptStart>& attempts) override;
  Result<void> change(RowId batch, const BatchChange& change) override;
  Result<std::vector<BatchRecord>> batches() override;
  Result<std::vector<BatchQuestion>> questions_after(RowId batch, RowId after, std::size_t limit) override;
  Result<std::optional<BatchQuestion>> question(RowId batch, RowId attempt) override;
  Result<void> end(const std::vector<AttemptEnd>& attempts) override;
  Result<std::int64_t> finish(RowId batch, const BatchRest& rest) override;
  Result<Spent> spent() override;
  Result<void> close(const RunEnd& end) override;

 private:
  /// Writes one entry; `then` belongs to the same transaction.
  template <class Event, class Then>
  Result<Event> write(LogEntry entry, const Then& then);

  HarvestLock lock_;
  std::unique_ptr<Connection> connection_;
  const Clock& clock_;
  EntryWriter writer_;
  const HarvestIds ids_;
};

/// What an opened corpus knows of whoever asks from now on, and of those before.
struct HarvestBeginning {
  HarvestIds ids;
  Recovery recovery;
};
/// Settles what a crash left, and records teacher, terms and run.
Result<HarvestBeginning> begin_harvest(Connection& connection, const TeacherIdentity& teacher, const Terms& terms,
                                       const RunStart& run, const std::string& now);

/// All batches of a corpus, in order.
Result<std::vector<BatchRecord>> read_batches(Connection& connection);
/// Within a transaction: batches that were still being put together go, and what they had taken is free again.
Result<void> drop_planned_batches(Connection& connection);
/// What a corpus has cost so far, see CorpusReader::spent().
Result<Spent> read_spent(Connection& connection);

}  // namespace retort
