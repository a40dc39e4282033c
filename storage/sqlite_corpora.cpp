#include "storage/sqlite_corpora.h"

#include "core/base/text.h"
#include "storage/batch_log.h"
#include "storage/corpus_file.h"
#include "storage/harvest_lock.h"
#include "storage/harvest_log.h"
#include "storage/reader.h"
#include "storage/runs.h"
#include "storage/values.h"

namespace retort {
namespace {

// What has no outcome was on the wire when a run ended, or may have been: of a run that crashed, even `unsent` is no
// proof, since the mark `sent` follows the sending and may be lost with the process. An upper bound, on purpose. A run
// with an end is to be believed: what it left unsent was never sent. What lies in a batch waits for its answers, unless
// that was still being put together: then nothing of it has left this machine.
Result<Recovery> settle(Connection& connection, const std::string& now) {
  if (auto done = drop_planned_batches(connection); !done) return fail(done.error());
  if (auto done = connection.run("UPDATE run SET state = 'crashed' WHERE state = 'running'"); !done)
    return fail(done.error());
  if (auto done = connection.run("DELETE FROM attempt WHERE outcome = 'unsent' AND batch_id IS NULL "
                                 "AND run_id IN (SELECT id FROM run WHERE state = 'ended')");
      !done) {
    return fail(done.error());
  }
  if (auto done = connection.run("UPDATE attempt SET outcome = 'delivery_unknown', possibly_billed = 1, ended_at = ? "
                                 "WHERE outcome IN ('unsent', 'sent') AND batch_id IS NULL",
                                 now);
      !done) {
    return fail(done.error());
  }
  return Recovery{connection.changes()};
}

Result<RowId> find_or_add_terms(Connection& connection, const Terms& terms) {
  const std::string conditions = dump_json(terms.conditions);
  {
    Rows found = connection.query(
        "SELECT id FROM terms WHERE licence = ? AND terms_url = ? AND terms_checked = ? AND conditions = ? "
        "AND outputs_may_train IS ?",
        terms.licence, terms.terms_url, terms.terms_checked, conditions, terms.outputs_may_train);
    if (found.next()) return found.integer(0);
    if (auto done = found.status(); !done) return fail(done.error());
  }
  if (auto done =
          connection.run("INSERT INTO terms (licence, terms_url, terms_checked, conditions, outputs_may_train) "
                         "VALUES (?, ?, ?, ?, ?)",
                         terms.licence, terms.terms_url, terms.terms_checked, conditions, terms.outputs_may_train);
      !done) {
    return fail(done.error());
  }
  return connection.last_insert_id();
}

Result<RowId> find_or_add_teacher(Connection& connection, const TeacherIdentity& teacher, RowId terms) {
  if (auto done = connection.run("INSERT INTO teacher (name, dialect, base_url, model, vendor, terms_id) "
                                 "VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (name, dialect, base_url, model, vendor) "
                                 "DO UPDATE SET terms_id = excluded.terms_id",
                                 teacher.name, teacher.dialect, teacher.base_url, teacher.model, teacher.vendor, terms);
      !done) {
    return fail(done.error());
  }
  Rows found = connection.query(
      "SELECT id FROM teacher WHERE name = ? AND dialect = ? AND base_url = ? AND model = ? AND vendor = ?",
      teacher.name, teacher.dialect, teacher.base_url, teacher.model, teacher.vendor);
  const RowId id = found.next() ? found.integer(0) : 0;
  if (auto done = found.status(); !done) return fail(done.error());
  return id;
}

}  // namespace

// All of it in one transaction: a crash here leaves no trace.
Result<HarvestBeginning> begin_harvest(Connection& connection, const TeacherIdentity& teacher, const Terms& terms,
                                       const RunStart& run, const std::string& now) {
  Transaction transaction(connection);
  if (auto done = transaction.begin(); !done) return fail(done.error());
  const auto recovery = settle(connection, now);
  if (!recovery) return fail(recovery.error());
  const auto terms_id = find_or_add_terms(connection, terms);
  if (!terms_id) return fail(terms_id.error());
  const auto teacher_id = find_or_add_teacher(connection, teacher, *terms_id);
  if (!teacher_id) return fail(teacher_id.error());
  const auto run_id = add_run(connection, run, *teacher_id, now);
  if (!run_id) return fail(run_id.error());
  if (auto done = transaction.commit(); !done) return fail(done.error());
  return HarvestBeginning{{*run_id, *teacher_id, *terms_id, run.role}, *recovery};
}

Result<HarvestSession> SqliteCorpora::harvest(const std::string& path, const TeacherIdentity& teacher,
                                              const Terms& terms, const RunStart& run, std::function<void()> wake) {
  const auto place = place_for_writing(path);
  if (!place) return fail(place.error());
  auto lock = HarvestLock::take(*place);
  if (!lock) return fail(lock.error());
  auto connection = open_for_writing(*place);
  if (!connection) return fail(connection.error());
  const auto begun = begin_harvest(**connection, teacher, terms, run, to_iso8601(clock_.wall()));
  if (!begun) return fail(begun.error());
  return HarvestSession{std::make_unique<SqliteHarvestLog>(std::move(*lock), std::move(*connection), clock_, teacher,
                                                           begun->ids, std::move(wake)),
                        begun->recovery};
}

Result<std::unique_ptr<CorpusReader>> SqliteCorpora::read(const std::string& path) {
  const auto place = place_for_reading(path);
  if (!place) return fail(place.error());
  auto connection = open_for_reading(*place);
  if (!connection) return fail(connection.error());
  return std::unique_ptr<CorpusReader>(std::make_unique<SqliteReader>(std::move(*connection)));
}

Result<void> SqliteCorpora::record(const std::string& path, const RunStart& run, const RunEnd& end,
                                   const std::vector<Permission>& permissions) {
  if (const auto existing = place_for_reading(path); !existing) return fail(existing.error());
  const auto place = place_for_writing(path);
  if (!place) return fail(place.error());
  auto opened = open_for_writing(*place);
  if (!opened) return fail(opened.error());
  Connection& connection = **opened;

  Transaction transaction(connection);
  if (auto done = transaction.begin(); !done) return done;
  const std::string now = to_iso8601(clock_.wall());
  const auto id = add_run(connection, run, std::nullopt, now);
  if (!id) return fail(id.error());
  if (auto done = end_run(connection, *id, end, now); !done) return done;
  for (const Permission& permission : permissions) {
    if (auto done = connection.run("INSERT INTO permission (kind, statement, run_id, at) VALUES (?, ?, ?, ?)",
                                   permission.kind, to_valid_utf8(permission.statement), *id, now);
        !done) {
      return done;
    }
  }
  return transaction.commit();
}

Result<std::int64_t> SqliteCorpora::amend_terms(const std::string& path, const std::string& teacher, const Terms& terms,
                                                const std::string& statement, const RunStart& run) {
  if (const auto existing = place_for_reading(path); !existing) return fail(existing.error());
  const auto place = place_for_writing(path);
  if (!place) return fail(place.error());
  auto opened = open_for_writing(*place);
  if (!opened) return fail(opened.error());
  Connection& connection = **opened;

  Transaction transaction(connection);
  if (auto done = transaction.begin(); !done) return fail(done.error());
  std::vector<RowId> profiles;
  {
    Rows rows = connection.query("SELECT id FROM teacher WHERE name = ?", teacher);
    while (rows.next()) profiles.push_back(rows.integer(0));
    if (auto done = rows.status(); !done) return fail(done.error());
  }
  if (profiles.empty())
    return fail(Errc::usage, path + ": no profile '" + teacher + "' answered anything here: see retort status");
  const std::string now = to_iso8601(clock_.wall());
  const auto id = add_run(connection, run, std::nullopt, now);
  if (!id) return fail(id.error());
  const auto terms_id = find_or_add_terms(connection, terms);
  if (!terms_id) return fail(terms_id.error());
  const auto newest = connection.number("SELECT coalesce(max(id), 0) FROM response");
  if (!newest) return fail(newest.error());
  std::int64_t covered = 0;
  for (const RowId profile : profiles) {
    if (auto done = connection.run("INSERT INTO amendment (teacher_id, up_to, terms_id, statement, run_id, at) "
                                   "VALUES (?, ?, ?, ?, ?, ?)",
                                   profile, *newest, *terms_id, to_valid_utf8(statement), *id, now);
        !done) {
      return fail(done.error());
    }
    Rows rows = connection.query("SELECT count(*) FROM response WHERE teacher_id = ?", profile);
    if (rows.next()) covered += rows.integer(0);
    if (auto done = rows.status(); !done) return fail(done.error());
  }
  if (auto done = end_run(connection, *id, {0, {}, {{"responses", covered}}}, now); !done) return fail(done.error());
  if (auto done = transaction.commit(); !done) return fail(done.error());
  return covered;
}

}  // namespace retort
