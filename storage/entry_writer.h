// What each entry of a harvest's log means in SQL. No threads and no transactions here: those are HarvestLog's.
#pragma once

#include <cstddef>
#include <optional>

#include "core/base/clock.h"
#include "core/corpus/corpus.h"
#include "storage/compression.h"
#include "storage/connection.h"

namespace retort {

/// Whom a harvest asks, as rows of the corpus.
struct HarvestIds {
  RowId run = 0;
  RowId teacher = 0;
  RowId terms = 0;
};

/// Between open calls of a transaction by its owner; one thread at a time.
class EntryWriter {
 public:
  EntryWriter(Connection& connection, const Clock& clock, const TeacherIdentity& teacher, HarvestIds ids)
      : connection_(connection), clock_(clock), teacher_(teacher), ids_(ids) {}

  /// Writes one entry; the event to publish once it is durable, or nothing for entries that complete silently.
  Result<std::optional<LogEvent>> write(const LogEntry& entry);

 private:
  using Written = Result<std::optional<LogEvent>>;
  Written write_entry(const Register& entry);
  Written write_entry(const Begin& entry);
  Written write_entry(const MarkSent& entry);
  Written write_entry(const Release& entry);
  Written write_entry(const End& entry);

  Result<RequestState> look_up_or_add(const RequestSpec& spec);
  Result<RowId> prompt_row(const RequestSpec& spec);
  Result<void> keep_source_row(RowId prompt, const PromptRow& row);
  Result<void> write_end(const AttemptEnd& end);
  Result<void> write_response(const AttemptEnd& end, const std::string& ended_at);

  Connection& connection_;
  const Clock& clock_;
  TeacherIdentity teacher_;
  HarvestIds ids_;
  Compressor compressor_;
};

/// About how much memory an entry holds: the measure of a log's backlog.
std::size_t bytes_of(const LogEntry& entry);

}  // namespace retort
