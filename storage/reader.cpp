#include "storage/reader.h"

#include <algorithm>
#include <map>

#include "core/base/text.h"
#include "core/corpus/words.h"
#include "storage/batch_log.h"
#include "storage/compression.h"
#include "storage/logprobs.h"
#include "storage/values.h"

namespace retort {
namespace {

// The columns of a Pair, in the order in which read_pair() takes them. Joins only by primary key, so that a step
// costs the same at the end of a corpus as at its start.
#define RETORT_PAIR_SQL                                                                              \
  "SELECT r.id, r.request_id, r.attempt_id, q.prompt_id, m.id, p.messages, "                         \
  "  (SELECT reference FROM source_row WHERE prompt_id = p.id AND reference <> '' "                  \
  "    ORDER BY run_id DESC, id DESC LIMIT 1), "                                                     \
  "  s.metadata, s.source, s.\"row\", q.sample, q.parameters, "                                      \
  "  r.text, r.reasoning, r.refusal, r.tool_calls, r.finish, r.provider_finish, "                    \
  "  r.input_tokens, r.output_tokens, r.cached_input_tokens, r.reasoning_tokens, "                   \
  "  r.served_model, r.system_fingerprint, r.provider_id, "                                          \
  "  t.name, t.dialect, t.base_url, t.model, t.vendor, "                                             \
  "  m.licence, m.terms_url, m.terms_checked, m.conditions, m.outputs_may_train, "                   \
  "  r.cost_usd, r.obtained_at, a.total_ms, a.first_token_ms, q.continues, r.partial, r.invalid, "   \
  "  r.cache_creation_tokens, l.tokens "                                                             \
  "FROM response r JOIN request q ON q.id = r.request_id JOIN attempt a ON a.id = r.attempt_id "     \
  "JOIN prompt p ON p.id = q.prompt_id JOIN teacher t ON t.id = r.teacher_id "                       \
  "JOIN terms m ON m.id = coalesce((SELECT terms_id FROM amendment WHERE teacher_id = r.teacher_id " \
  "  AND up_to >= r.id ORDER BY id DESC LIMIT 1), r.terms_id) "                                      \
  "LEFT JOIN logprobs l ON l.response_id = r.id "                                                    \
  "LEFT JOIN source_row s ON s.id = (SELECT id FROM source_row WHERE prompt_id = p.id "              \
  "  ORDER BY run_id DESC, id DESC LIMIT 1) "

constexpr char kPairSql[] = RETORT_PAIR_SQL "WHERE r.id = ?";

// The view `all`: what the newest answer of an answered request is, if it was not cut at the token limit.
constexpr char kPairsSql[] = RETORT_PAIR_SQL
    "WHERE r.id > ? AND q.response_id = r.id AND q.status = 'answered' AND r.finish <> 'length' "
    "AND NOT r.partial AND r.invalid IS NULL AND q.role = '' "
    "ORDER BY r.id LIMIT ?";
#undef RETORT_PAIR_SQL

// Whose output a prompt is, with the terms as they hold now.
constexpr char kMakersSql[] =
    "SELECT made.response_id, made.method, made.parents, t.name, t.dialect, t.base_url, t.model, t.vendor, "
    "  m.licence, m.terms_url, m.terms_checked, m.conditions, m.outputs_may_train, r.served_model, r.cost_usd, "
    "  r.obtained_at "
    "FROM made_prompt made JOIN response r ON r.id = made.response_id JOIN teacher t ON t.id = r.teacher_id "
    "JOIN terms m ON m.id = coalesce((SELECT terms_id FROM amendment WHERE teacher_id = r.teacher_id "
    "  AND up_to >= r.id ORDER BY id DESC LIMIT 1), r.terms_id) WHERE made.digest = ? ORDER BY made.id";

// Sums of picodollars: dollars as floating point would not add up.
#define RETORT_SUM_PICO(column) "coalesce(sum(CAST(round(" column " * 1e12) AS INTEGER)), 0)"

// For these attempts what was reserved counts as spent: nobody knows better, or not yet.
#define RETORT_RESERVED "(possibly_billed OR (batch_id IS NOT NULL AND outcome IN ('unsent', 'sent')))"

std::optional<std::int64_t> number_or_nothing(const Rows& row, int column) {
  return row.is_null(column) ? std::nullopt : std::optional(row.integer(column));
}

Terms terms_of(const Rows& row, int first) {
  Terms terms;
  terms.licence = row.text(first);
  terms.terms_url = row.text(first + 1);
  terms.terms_checked = row.text(first + 2);
  if (const auto conditions = parse_json(row.text(first + 3)); conditions && conditions->is_array()) {
    for (const Json& condition : *conditions) {
      if (condition.is_string()) terms.conditions.push_back(condition.get<std::string>());
    }
  }
  if (!row.is_null(first + 4)) terms.outputs_may_train = row.integer(first + 4) != 0;
  return terms;
}

TeacherIdentity teacher_of(const Rows& row, int first) {
  return {row.text(first), row.text(first + 1), row.text(first + 2), row.text(first + 3), row.text(first + 4)};
}

// A NULL is null. Anything that is no JSON means that somebody changed the corpus by hand.
bool parse_into(const Rows& row, int column, Json& value) {
  if (row.is_null(column)) return true;
  auto parsed = parse_json(row.text(column));
  if (!parsed) return false;
  value = std::move(*parsed);
  return true;
}

}  // namespace

Result<Pair> SqliteReader::read_pair(const Rows& row) {
  Pair pair;
  pair.response = row.integer(0);
  pair.request = row.integer(1);
  pair.attempt = row.integer(2);
  pair.prompt = row.integer(3);
  pair.terms = row.integer(4);
  if (!parse_into(row, 5, pair.messages) || !parse_into(row, 7, pair.metadata) ||
      !parse_into(row, 11, pair.parameters) || !parse_into(row, 15, pair.answer.tool_calls)) {
    return fail(Errc::corpus, connection_->path() + ": response " + std::to_string(pair.response) +
                                  " has a column that should be JSON and is not: was the corpus changed by hand?");
  }
  pair.reference = row.text(6);
  pair.source = row.text(8);
  pair.source_row = row.integer(9);
  pair.sample = static_cast<int>(row.integer(10));
  pair.answer.text = row.text(12);
  pair.answer.reasoning = row.text(13);
  pair.answer.refusal = row.text(14);
  pair.answer.finish = finish_of(row.text(16));
  pair.answer.provider_finish = row.text(17);
  pair.answer.usage = {number_or_nothing(row, 18), number_or_nothing(row, 19), number_or_nothing(row, 20),
                       number_or_nothing(row, 21)};
  pair.answer.served_model = row.text(22);
  pair.answer.system_fingerprint = row.text(23);
  pair.answer.provider_id = row.text(24);
  pair.teacher = teacher_of(row, 25);
  pair.rights = terms_of(row, 30);
  pair.cost = usd_of(row.real(35));
  pair.obtained = wall_time_of(row.text(36));
  pair.latency = from_seconds(row.real(37) / 1000);
  pair.first_token = from_seconds(row.real(38) / 1000);
  pair.continues = number_or_nothing(row, 39);
  pair.answer.partial = row.integer(40) != 0;
  pair.answer.invalid = row.text(41);
  pair.answer.usage.cache_creation = number_or_nothing(row, 42);
  pair.logprob_tokens = row.integer(43);
  return pair;
}

Result<Pair> SqliteReader::pair(RowId response) {
  Rows rows = connection_->query(kPairSql, response);
  if (rows.next()) {
    auto pair = read_pair(rows);
    if (!pair) return pair;
    Rows grave = connection_->look_up("SELECT at, reason FROM tombstone WHERE prompt_id = ?", pair->prompt);
    if (grave.next()) {
      return fail(Errc::usage, "response " + std::to_string(response) + " was forgotten on " +
                                   grave.text(0).substr(0, 10) + ": " + on_one_line(grave.text(1)));
    }
    if (auto done = grave.status(); !done) return fail(done.error());
    return pair;
  }
  if (auto done = rows.status(); !done) return fail(done.error());
  return fail(Errc::usage, connection_->path() + ": has no response " + std::to_string(response));
}

Result<Pair> SqliteReader::pair_or_grave(RowId response, std::string& content, RowId& tombstone) {
  Rows rows = connection_->query(kPairSql, response);
  if (!rows.next()) {
    if (auto done = rows.status(); !done) return fail(done.error());
    return fail(Errc::corpus, connection_->path() + ": a view lists response " + std::to_string(response) +
                                  ", which is not there: was the corpus changed by hand?");
  }
  auto pair = read_pair(rows);
  if (!pair) return pair;
  Rows buried = connection_->look_up(
      "SELECT coalesce(content, '?'), tombstone.id FROM tombstone LEFT JOIN forgotten ON forgotten.response_id = ?1 "
      "WHERE prompt_id = ?2",
      response, pair->prompt);
  if (buried.next()) content = buried.text(0), tombstone = buried.integer(1);
  if (auto done = buried.status(); !done) return fail(done.error());
  return pair;
}

Result<std::vector<Pair>> SqliteReader::pairs_after(RowId after, std::size_t limit) {
  std::vector<Pair> pairs;
  Rows rows = connection_->query(kPairsSql, after, static_cast<std::int64_t>(std::min<std::size_t>(limit, INT64_MAX)));
  while (rows.next()) {
    auto pair = read_pair(rows);
    if (!pair) return fail(pair.error());
    pairs.push_back(std::move(*pair));
  }
  if (auto done = rows.status(); !done) return fail(done.error());
  return pairs;
}

Result<RowId> SqliteReader::newest_response() {
  return connection_->number("SELECT coalesce(max(id), 0) FROM response");
}

Result<std::vector<Maker>> SqliteReader::makers_of(const std::string& text_digest) {
  std::vector<Maker> makers;
  Rows rows = connection_->look_up(kMakersSql, text_digest);
  while (rows.next()) {
    Maker maker;
    maker.made = {text_digest, rows.integer(0), rows.text(1)};
    if (const auto parents = parse_json(rows.text(2)); parents && parents->is_array()) {
      for (const Json& parent : *parents) {
        if (parent.is_string()) maker.made.parents.push_back(parent.get<std::string>());
      }
    }
    maker.teacher = teacher_of(rows, 3);
    maker.rights = terms_of(rows, 8);
    maker.served_model = rows.text(13);
    maker.cost = usd_of(rows.real(14));
    maker.obtained_at = rows.text(15);
    makers.push_back(std::move(maker));
  }
  if (auto done = rows.status(); !done) return fail(done.error());
  return makers;
}

Result<std::vector<TokenLogprob>> SqliteReader::logprobs(RowId response) {
  Rows rows = connection_->query("SELECT bytes, body FROM logprobs WHERE response_id = ?", response);
  if (!rows.next()) {
    if (auto done = rows.status(); !done) return fail(done.error());
    return std::vector<TokenLogprob>();
  }
  const auto packed = decompress(rows.text(1), static_cast<std::size_t>(std::max<std::int64_t>(0, rows.integer(0))));
  if (!packed) return fail(packed.error());
  return unpack_logprobs(*packed);
}

Result<std::vector<Permission>> SqliteReader::permissions() {
  std::vector<Permission> permissions;
  Rows rows = connection_->query(
      "SELECT kind, statement FROM (SELECT 0 AS of, id, kind, statement FROM permission "
      "UNION ALL SELECT 1, min(id), 'amendment', statement FROM amendment GROUP BY run_id, statement) ORDER BY of, id");
  while (rows.next()) permissions.push_back({rows.text(0), rows.text(1)});
  if (auto done = rows.status(); !done) return fail(done.error());
  return permissions;
}

Result<std::optional<RequestState>> SqliteReader::state_of(const std::string& request_digest) {
  Rows rows = connection_->query(
      "SELECT request.id, status, truncated, attempts_charged, timeouts, "
      "(SELECT 1 FROM tombstone WHERE tombstone.prompt_id = request.prompt_id), request.batch_id, response.id, text, "
      "finish, reasoning FROM request LEFT JOIN response ON response.id = response_id WHERE digest = ?",
      request_digest);
  std::optional<RequestState> state;
  if (rows.next()) {
    state = RequestState{rows.integer(0),
                         request_status_of(rows.text(1)),
                         rows.integer(2) != 0,
                         static_cast<int>(rows.integer(3)),
                         static_cast<int>(rows.integer(4)),
                         false};
    if (!rows.is_null(6)) state->attempts_charged = kUnderWayInBatch;
    if (state->status == RequestStatus::answered && !rows.is_null(7))
      state->answer = KnownAnswer{rows.integer(7), rows.text(8), finish_of(rows.text(9)), rows.text(10)};
    // As a harvest is told: nothing is wanted of it any more.
    if (!rows.is_null(5)) state = RequestState{state->request, RequestStatus::answered};
  }
  if (auto done = rows.status(); !done) return fail(done.error());
  return state;
}

Result<CorpusSummary> SqliteReader::summary() {
  // One snapshot, so that the numbers agree with each other.
  if (auto begun = connection_->run("BEGIN"); !begun) return fail(begun.error());
  CorpusSummary summary;
  Result<void> done = count_totals(summary);
  if (done) done = count_teachers(summary);
  if (done) done = count_outcomes(summary);
  const Result<void> ended = connection_->run("COMMIT");
  if (!done) return fail(done.error());
  if (!ended) return fail(ended.error());
  return summary;
}

Result<void> SqliteReader::count_totals(CorpusSummary& summary) {
  Rows totals = connection_->query(
      "SELECT (SELECT count(*) FROM prompt), (SELECT count(*) FROM source_row), (SELECT count(*) FROM response), "
      "(SELECT count(*) FROM run), "
      "(SELECT count(*) FROM attempt WHERE possibly_billed AND outcome <> 'answered'), "
      "(SELECT " RETORT_SUM_PICO("cost_usd") " FROM attempt)");
  if (totals.next()) {
    summary.prompts = totals.integer(0);
    summary.source_rows = totals.integer(1);
    summary.responses = totals.integer(2);
    summary.runs = totals.integer(3);
    summary.possibly_billed = totals.integer(4);
    summary.cost = {totals.integer(5)};
  }
  return totals.status();
}

Result<void> SqliteReader::count_teachers(CorpusSummary& summary) {
  std::map<RowId, CorpusSummary::TeacherLine> lines;
  Rows teachers = connection_->query(
      "SELECT t.id, t.name, t.dialect, t.base_url, t.model, t.vendor, "
      "m.licence, m.terms_url, m.terms_checked, m.conditions, m.outputs_may_train "
      "FROM teacher t JOIN terms m ON m.id = t.terms_id");
  while (teachers.next()) {
    CorpusSummary::TeacherLine& line = lines[teachers.integer(0)];
    line.teacher = teacher_of(teachers, 1);
    line.rights = terms_of(teachers, 6);
  }
  if (auto done = teachers.status(); !done) return done;

  Rows requests = connection_->query(
      "SELECT q.teacher_id, count(*), sum(q.status = 'answered'), sum(q.status = 'pending'), "
      "sum(q.status = 'failed'), sum(q.status = 'answered' AND q.truncated), "
      "coalesce(sum(q.status = 'answered' AND (r.finish = 'refusal' OR r.refusal <> '')), 0) "
      "FROM request q LEFT JOIN response r ON r.id = q.response_id GROUP BY 1");
  while (requests.next()) {
    CorpusSummary::TeacherLine& line = lines[requests.integer(0)];
    line.requests = requests.integer(1);
    line.answered = requests.integer(2);
    line.pending = requests.integer(3);
    line.failed = requests.integer(4);
    line.truncated = requests.integer(5);
    line.refused_answers = requests.integer(6);
  }
  if (auto done = requests.status(); !done) return done;

  Rows tokens = connection_->query(
      "SELECT teacher_id, coalesce(sum(input_tokens), 0), coalesce(sum(output_tokens), 0), "
      "coalesce(sum(reasoning_tokens), 0) FROM response GROUP BY 1 "
      "UNION ALL SELECT run.teacher_id, coalesce(sum(input_tokens), 0), coalesce(sum(output_tokens), 0), "
      "coalesce(sum(reasoning_tokens), 0) FROM attempt JOIN run ON run.id = attempt.run_id WHERE also_for IS NOT NULL "
      "GROUP BY 1");
  while (tokens.next()) {
    CorpusSummary::TeacherLine& line = lines[tokens.integer(0)];
    line.input += tokens.integer(1);
    line.output += tokens.integer(2);
    line.reasoning += tokens.integer(3);
  }
  if (auto done = tokens.status(); !done) return done;

  Rows costs = connection_->query("SELECT run.teacher_id, " RETORT_SUM_PICO(
      "attempt.cost_usd") " FROM attempt JOIN run ON run.id = attempt.run_id GROUP BY 1");
  while (costs.next()) lines[costs.integer(0)].cost = {costs.integer(1)};
  if (auto done = costs.status(); !done) return done;

  for (auto& [id, line] : lines) summary.teachers.push_back(std::move(line));
  return {};
}

Result<void> SqliteReader::count_outcomes(CorpusSummary& summary) {
  Rows outcomes = connection_->query("SELECT outcome, count(*) FROM attempt GROUP BY 1 ORDER BY 2 DESC, 1");
  while (outcomes.next()) summary.attempts.emplace_back(outcomes.text(0), outcomes.integer(1));
  if (auto done = outcomes.status(); !done) return done;

  Rows errors = connection_->query(
      "SELECT coalesce(a.error, a.outcome), count(*) FROM request q JOIN attempt a ON a.id = "
      "(SELECT max(id) FROM attempt WHERE request_id = q.id AND outcome NOT IN ('unsent', 'sent')) "
      "WHERE q.status = 'failed' GROUP BY 1 ORDER BY 2 DESC, 1");
  while (errors.next()) summary.errors.emplace_back(errors.text(0), errors.integer(1));
  return errors.status();
}

Result<Spent> read_spent(Connection& connection) {
  Rows rows = connection.query(
      "SELECT coalesce(sum(outcome NOT IN ('unsent', 'refused') OR coalesce(http_status, 429) NOT IN (0, 429)), 0), "
      "coalesce(sum(CASE WHEN " RETORT_RESERVED " THEN reserved_tokens END), 0), " RETORT_SUM_PICO(
          "CASE WHEN " RETORT_RESERVED " THEN reserved_usd ELSE cost_usd END") " FROM attempt");
  Spent spent;
  if (rows.next()) spent = {rows.integer(0), rows.integer(1), {rows.integer(2)}};
  if (auto done = rows.status(); !done) return fail(done.error());
  Rows answers = connection.query(
      "SELECT (SELECT coalesce(sum(coalesce(input_tokens, 0) + coalesce(output_tokens, 0)), 0) FROM response "
      "WHERE NOT partial) + (SELECT coalesce(sum(coalesce(input_tokens, 0) + coalesce(output_tokens, 0)), 0) "
      "FROM attempt)");
  if (answers.next()) spent.tokens += answers.integer(0);
  if (auto done = answers.status(); !done) return fail(done.error());
  return spent;
}

Result<Experience> SqliteReader::experience(const TeacherIdentity& teacher) {
  Experience result;
  Rows rows = connection_->query(
      "WITH newest AS MATERIALIZED (SELECT attempt.* FROM attempt JOIN run ON run.id = attempt.run_id "
      "JOIN teacher ON teacher.id = run.teacher_id WHERE teacher.name = ? AND teacher.model = ? "
      "AND outcome NOT IN ('unsent', 'sent', 'refused') ORDER BY attempt.id DESC LIMIT 2000) "
      "SELECT count(*), count(response.id), "
      "sum(response.input_tokens) * 1.0 / sum(CASE WHEN response.input_tokens THEN length(CAST(prompt.messages AS "
      "BLOB)) END), "
      "avg(response.output_tokens), avg(CASE WHEN response.id THEN newest.total_ms END) / 1000 "
      "FROM newest JOIN request ON request.id = newest.request_id JOIN prompt ON prompt.id = request.prompt_id "
      "LEFT JOIN response ON response.attempt_id = newest.id AND NOT response.partial",
      teacher.name, teacher.model);
  if (rows.next()) {
    result.attempts = rows.integer(0);
    result.answers = rows.integer(1);
    result.input_tokens_per_byte = rows.real(2);
    result.output_tokens = rows.real(3);
    result.latency_seconds = rows.real(4);
  }
  if (auto done = rows.status(); !done) return fail(done.error());
  // The busiest minute of the newest answers: what the teacher and its limits have been seen to give.
  Rows minutes = connection_->query(
      "SELECT coalesce(max(n), 0) FROM (SELECT count(*) AS n FROM (SELECT obtained_at FROM response JOIN teacher ON "
      "teacher.id = response.teacher_id JOIN attempt ON attempt.id = response.attempt_id "
      "WHERE teacher.name = ? AND teacher.model = ? AND attempt.batch_id IS NULL ORDER BY response.id DESC "
      "LIMIT 20000) GROUP BY substr(obtained_at, 1, 16))",
      teacher.name, teacher.model);
  if (minutes.next()) result.answers_per_minute = static_cast<double>(minutes.integer(0));
  if (auto done = minutes.status(); !done) return fail(done.error());
  return result;
}

}  // namespace retort
