#include "storage/batch_log.h"

#include <utility>

#include "core/base/text.h"
#include "core/corpus/words.h"
#include "storage/runs.h"
#include "storage/values.h"

namespace retort {
namespace {

std::optional<std::string> text_of(const std::optional<WallTime>& at) {
  return at ? std::optional(to_iso8601(*at)) : std::nullopt;
}

std::optional<std::string> valid(const std::optional<std::string>& text) {
  return text ? std::optional(to_valid_utf8(*text)) : std::nullopt;
}

// The requests of the attempts in a JSON array: their first ones and those that they serve besides.
#define RETORT_REQUESTS_OF_ATTEMPTS                                                \
  "(SELECT request_id FROM attempt WHERE id IN (SELECT value FROM json_each(?1)) " \
  "UNION SELECT also.value FROM attempt, json_each(attempt.also_for) AS also "     \
  "WHERE attempt.also_for IS NOT NULL AND attempt.id IN (SELECT value FROM json_each(?1)))"

Result<void> run_in_transaction(Connection& connection, const auto& work) {
  Transaction transaction(connection);
  if (auto done = transaction.begin(); !done) return done;
  if (auto done = work(); !done) return done;
  return transaction.commit();
}

}  // namespace

SqliteBatchLog::SqliteBatchLog(HarvestLock lock, std::unique_ptr<Connection> connection, const Clock& clock,
                               const TeacherIdentity& teacher, HarvestIds ids)
    : lock_(std::move(lock)),
      connection_(std::move(connection)),
      clock_(clock),
      writer_(*connection_, clock, teacher, ids),
      ids_(ids) {}

template <class Event, class Then>
Result<Event> SqliteBatchLog::write(LogEntry entry, const Then& then) {
  Transaction transaction(*connection_);
  if (auto done = transaction.begin(); !done) return fail(done.error());
  writer_.begin();
  auto event = writer_.write(entry);
  if (!event) return fail(event.error());
  Event result = std::get<Event>(std::move(**event));
  if (auto done = writer_.finish(); !done) return fail(done.error());
  if (auto done = then(result); !done) return fail(done.error());
  if (auto done = transaction.commit(); !done) return fail(done.error());
  if constexpr (std::is_same_v<Event, Registered>) result.requests = std::move(std::get<Register>(entry).requests);
  return result;
}

Result<Registered> SqliteBatchLog::look_up(Register entry) {
  return write<Registered>(std::move(entry), [](const Registered&) { return Result<void>(); });
}

Result<RowId> SqliteBatchLog::open(const std::string& key) {
  if (auto done = connection_->run(
          "INSERT INTO batch (key, teacher_id, run_id, state, begun_at) VALUES (?, ?, ?, 'planned', ?)", key,
          ids_.teacher, ids_.run, to_iso8601(clock_.wall()));
      !done) {
    return fail(done.error());
  }
  return connection_->last_insert_id();
}

Result<std::vector<RowId>> SqliteBatchLog::begin(RowId batch, const std::vector<AttemptStart>& attempts) {
  auto begun = write<Begun>(Begin{attempts}, [&](const Begun& event) -> Result<void> {
    const std::string ids = dump_json(event.attempts);
    if (auto done = connection_->run("UPDATE attempt SET batch_id = ?2 WHERE id IN (SELECT value FROM json_each(?1))",
                                     ids, batch);
        !done) {
      return done;
    }
    return connection_->run("UPDATE request SET batch_id = ?2 WHERE id IN " RETORT_REQUESTS_OF_ATTEMPTS, ids, batch);
  });
  if (!begun) return fail(begun.error());
  return std::move(begun->attempts);
}

Result<void> SqliteBatchLog::change(RowId batch, const BatchChange& change) {
  return run_in_transaction(*connection_, [&]() -> Result<void> {
    const std::string now = to_iso8601(clock_.wall());
    const auto state = change.state ? std::optional(std::string(word(*change.state))) : std::nullopt;
    const bool submitted = change.state == BatchState::submitted;
    if (auto done = connection_->run(
            "UPDATE batch SET state = coalesce(?, state), provider_id = coalesce(?, provider_id), "
            "provider_status = coalesce(?, provider_status), input_file = coalesce(?, input_file), "
            "error = nullif(coalesce(?, error), ''), creating_at = coalesce(?, creating_at), "
            "expires_at = coalesce(?, expires_at), submitted_at = coalesce(submitted_at, ?) WHERE id = ?",
            state, valid(change.provider_id), valid(change.provider_status), valid(change.input_file),
            valid(change.error), text_of(change.creating), text_of(change.expires),
            submitted ? std::optional(now) : std::nullopt, batch);
        !done) {
      return done;
    }
    if (change.state != BatchState::creating) return {};
    return connection_->run(
        "UPDATE attempt SET outcome = 'sent', sent_at = ? WHERE batch_id = ? AND outcome = 'unsent'", now, batch);
  });
}

Result<std::vector<BatchRecord>> SqliteBatchLog::batches() { return read_batches(*connection_); }
Result<Spent> SqliteBatchLog::spent() { return read_spent(*connection_); }

namespace {

#define RETORT_QUESTION_SQL                                                                                    \
  "SELECT attempt.id, attempt.request_id, attempt.also_for, prompt.messages, request.parameters, "             \
  "attempt.max_tokens, request.attempts_charged, request.timeouts, request.invalid_answers, "                  \
  "EXISTS (SELECT 1 FROM tombstone WHERE tombstone.prompt_id = prompt.id) "                                    \
  "FROM attempt JOIN request ON request.id = attempt.request_id JOIN prompt ON prompt.id = request.prompt_id " \
  "WHERE attempt.batch_id = ? AND attempt.outcome IN ('unsent', 'sent') AND attempt.id "

Result<BatchQuestion> question_of(const Connection& connection, const Rows& row) {
  BatchQuestion question;
  question.attempt = row.integer(0);
  question.request = row.integer(1);
  const auto also = parse_json(row.is_null(2) ? "[]" : row.text(2));
  auto messages = parse_json(row.text(3));
  auto parameters = parse_json(row.text(4));
  if (!messages || !parameters || !also || !also->is_array()) {
    return fail(Errc::corpus, connection.path() + ": attempt " + std::to_string(question.attempt) +
                                  " of a batch has a column that should be JSON and is not: see retort fsck");
  }
  for (const Json& request : *also) {
    if (request.is_number_integer()) question.also.push_back(request.get<RowId>());
  }
  question.messages = Messages(std::move(*messages));
  question.parameters = std::move(*parameters);
  if (!row.is_null(5)) question.max_tokens = row.integer(5);
  question.attempts_charged = static_cast<int>(row.integer(6));
  question.timeouts = static_cast<int>(row.integer(7));
  question.invalid_answers = static_cast<int>(row.integer(8));
  question.forgotten = row.integer(9) != 0;
  return question;
}

}  // namespace

Result<std::vector<BatchQuestion>> SqliteBatchLog::questions_after(RowId batch, RowId after, std::size_t limit) {
  std::vector<BatchQuestion> questions;
  Rows rows = connection_->query(RETORT_QUESTION_SQL "> ? ORDER BY attempt.id LIMIT ?", batch, after,
                                 static_cast<std::int64_t>(limit));
  while (rows.next()) {
    auto question = question_of(*connection_, rows);
    if (!question) return fail(question.error());
    questions.push_back(std::move(*question));
  }
  if (auto done = rows.status(); !done) return fail(done.error());
  return questions;
}

Result<std::optional<BatchQuestion>> SqliteBatchLog::question(RowId batch, RowId attempt) {
  Rows rows = connection_->query(RETORT_QUESTION_SQL "= ?", batch, attempt);
  if (!rows.next()) {
    if (auto done = rows.status(); !done) return fail(done.error());
    return std::optional<BatchQuestion>();
  }
  auto question = question_of(*connection_, rows);
  if (!question) return fail(question.error());
  return std::optional<BatchQuestion>(std::move(*question));
}

Result<void> SqliteBatchLog::end(const std::vector<AttemptEnd>& attempts) {
  auto ended = write<Ended>(End{attempts}, [&](const Ended& event) {
    return connection_->run("UPDATE request SET batch_id = NULL WHERE id IN " RETORT_REQUESTS_OF_ATTEMPTS,
                            dump_json(event.attempts));
  });
  return ended ? Result<void>() : fail(ended.error());
}

Result<std::int64_t> SqliteBatchLog::finish(RowId batch, const BatchRest& rest) {
  std::int64_t ended = 0;
  const auto done = run_in_transaction(*connection_, [&]() -> Result<void> {
    const std::string now = to_iso8601(clock_.wall());
    if (is_charged(rest.outcome)) {
      if (auto charged =
              connection_->run("UPDATE request SET attempts_charged = attempts_charged + 1 WHERE batch_id = ?", batch);
          !charged) {
        return charged;
      }
    }
    if (auto marked = connection_->run(
            "UPDATE attempt SET outcome = ?, error = ?, error_detail = nullif(?, ''), possibly_billed = ?, "
            "ended_at = ? WHERE batch_id = ? AND outcome IN ('unsent', 'sent')",
            word(rest.outcome), rest.error, to_valid_utf8(rest.detail), rest.possibly_billed, now, batch);
        !marked) {
      return marked;
    }
    ended = connection_->changes();
    if (auto freed = connection_->run("UPDATE request SET batch_id = NULL WHERE batch_id = ?", batch); !freed)
      return freed;
    return connection_->run("UPDATE batch SET state = 'collected', collected_at = ? WHERE id = ?", now, batch);
  });
  if (!done) return fail(done.error());
  return ended;
}

Result<void> SqliteBatchLog::close(const RunEnd& end) {
  if (auto done = end_run(*connection_, ids_.run, end, to_iso8601(clock_.wall())); !done) return done;
  return connection_->checkpoint(Connection::Checkpoint::truncate);
}

}  // namespace retort
