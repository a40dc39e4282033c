// Opening a corpus for its batches, and reading the list of them.
#include "storage/batch_log.h"

#include "storage/batch_corpora.h"
#include "storage/corpus_file.h"
#include "storage/reader.h"
#include "storage/values.h"

namespace retort {
namespace {

std::optional<WallTime> time_or_nothing(const Rows& row, int column) {
  return row.is_null(column) ? std::nullopt : std::optional(wall_time_of(row.text(column)));
}

}  // namespace

Result<std::vector<BatchRecord>> read_batches(Connection& connection) {
  std::vector<BatchRecord> batches;
  Rows rows = connection.query(
      "SELECT b.id, b.key, b.state, t.name, t.dialect, t.base_url, t.model, t.vendor, b.provider_id, "
      "b.provider_status, b.input_file, b.error, b.begun_at, b.creating_at, b.submitted_at, b.expires_at, "
      "count(a.id), coalesce(sum(a.outcome IN ('unsent', 'sent')), 0), coalesce(sum(a.outcome = 'answered'), 0), "
      "coalesce(sum(a.cost_usd), 0), "
      "coalesce(sum(CASE WHEN a.outcome IN ('unsent', 'sent') THEN a.reserved_usd END), 0) "
      "FROM batch b JOIN teacher t ON t.id = b.teacher_id LEFT JOIN attempt a ON a.batch_id = b.id "
      "GROUP BY b.id ORDER BY b.id");
  while (rows.next()) {
    BatchRecord batch;
    batch.id = rows.integer(0);
    batch.key = rows.text(1);
    batch.state = batch_state_of(rows.text(2));
    batch.teacher = {rows.text(3), rows.text(4), rows.text(5), rows.text(6), rows.text(7)};
    batch.provider_id = rows.text(8);
    batch.provider_status = rows.text(9);
    batch.input_file = rows.text(10);
    batch.error = rows.text(11);
    batch.begun = wall_time_of(rows.text(12));
    batch.creating = time_or_nothing(rows, 13);
    batch.submitted = time_or_nothing(rows, 14);
    batch.expires = time_or_nothing(rows, 15);
    batch.requests = rows.integer(16);
    batch.open = rows.integer(17);
    batch.answered = rows.integer(18);
    batch.cost = usd_of(rows.real(19));
    batch.reserved = usd_of(rows.real(20));
    batches.push_back(std::move(batch));
  }
  if (auto done = rows.status(); !done) return fail(done.error());
  return batches;
}

Result<void> drop_planned_batches(Connection& connection) {
#define RETORT_PLANNED "(SELECT id FROM batch WHERE state = 'planned')"
  for (const char* sql :
       {"UPDATE request SET batch_id = NULL WHERE batch_id IN " RETORT_PLANNED,
        "DELETE FROM attempt WHERE batch_id IN " RETORT_PLANNED, "DELETE FROM batch WHERE state = 'planned'"}) {
    if (auto done = connection.run(sql); !done) return done;
  }
#undef RETORT_PLANNED
  return {};
}

Result<std::unique_ptr<BatchLog>> SqliteBatchCorpora::batch(const std::string& path, const TeacherIdentity& teacher,
                                                            const Terms& terms, const RunStart& run) {
  const auto place = place_for_writing(path);
  if (!place) return fail(place.error());
  auto lock = HarvestLock::take(*place);
  if (!lock) return fail(lock.error());
  auto connection = open_for_writing(*place);
  if (!connection) return fail(connection.error());
  const auto begun = begin_harvest(**connection, teacher, terms, run, to_iso8601(clock_.wall()));
  if (!begun) return fail(begun.error());
  return std::unique_ptr<BatchLog>(
      std::make_unique<SqliteBatchLog>(std::move(*lock), std::move(*connection), clock_, teacher, begun->ids));
}

Result<std::vector<BatchRecord>> SqliteBatchCorpora::batches(const std::string& path) {
  const auto place = place_for_reading(path);
  if (!place) return fail(place.error());
  const auto connection = open_for_reading(*place);
  if (!connection) return fail(connection.error());
  return read_batches(**connection);
}

Result<Spent> SqliteReader::spent() { return read_spent(*connection_); }

}  // namespace retort
