#include "storage/checkup.h"

#include <array>

#include "core/base/text.h"
#include "storage/compression.h"
#include "storage/corpus_file.h"
#include "storage/harvest_lock.h"
#include "storage/logprobs.h"
#include "storage/sqlite_corpora.h"

namespace retort {
namespace {

// A body is never larger than the wire's cap by far; what states more is damaged.
constexpr std::int64_t kBodyBytesMax = 1 << 30;
constexpr int kPageFindingsMax = 20;

constexpr const char* kRestore = "restore a snapshot, or save what is readable with sqlite3's .recover";

#define RETORT_TABLES(X) \
  X(terms) X(teacher) X(run) X(prompt) X(source_row) X(request) X(attempt) X(response) X(raw) X(permission)

/// The last of the next rows of a table: how far a step goes.
#define RETORT_BOUNDS(table, id, count) \
  "SELECT max(" id ") FROM (SELECT " id " FROM " table " WHERE " id " > ? ORDER BY " id " LIMIT " count ")"

/// What must hold for every row; `sql` selects the rows for which it does not.
struct Rule {
  const char* name;
  const char* bounds;
  const char* sql;
  const char* what;
  const char* meaning;
};

constexpr const char* kRequests = RETORT_BOUNDS("request", "id", "20000");
constexpr const char* kAttempts = RETORT_BOUNDS("attempt", "id", "20000");
constexpr const char* kResponses = RETORT_BOUNDS("response", "id", "20000");
constexpr const char* kSourceRows = RETORT_BOUNDS("source_row", "id", "20000");
constexpr const char* kPrompts = RETORT_BOUNDS("prompt", "id", "2000");
constexpr const char* kBatches = RETORT_BOUNDS("batch", "id", "2000");
constexpr const char* kBodies = RETORT_BOUNDS("raw", "attempt_id", "2000");
constexpr const char* kLogprobs = RETORT_BOUNDS("logprobs", "response_id", "2000");

constexpr std::array kRules{
    Rule{
        "answer", kRequests,
        "SELECT id FROM request WHERE id > ? AND id <= ? AND status = 'answered' AND NOT EXISTS (SELECT 1 FROM "
        "response "
        "WHERE response.id = request.response_id AND response.request_id = request.id) "
        "AND NOT EXISTS (SELECT 1 FROM tombstone WHERE tombstone.prompt_id = request.prompt_id)",
        "marked as answered without an answer of their own",
        "they are never asked again and never exported: set their status to 'pending', and the next harvest asks them"},
    Rule{"newest", kRequests,
         "SELECT id FROM request WHERE id > ? AND id <= ? AND EXISTS (SELECT 1 FROM answer WHERE answer.request_id = "
         "request.id AND answer.id > coalesce(request.response_id, 0)) "
         "AND NOT EXISTS (SELECT 1 FROM tombstone WHERE tombstone.prompt_id = request.prompt_id)",
         "with an answer newer than the one they name",
         "two answers claim to be current: set response_id to the newest"},
    Rule{"truncated", kRequests,
         "SELECT request.id FROM request JOIN response ON response.id = request.response_id WHERE request.id > ? "
         "AND request.id <= ? AND request.truncated <> (response.finish = 'length')",
         "whose mark 'truncated' is not what their answer says", "set it to whether the answer's finish is 'length'"},
    Rule{"outcome", kAttempts,
         "SELECT id FROM attempt WHERE id > ? AND id <= ? AND outcome = 'answered' "
         "AND NOT EXISTS (SELECT 1 FROM response WHERE response.attempt_id = attempt.id)",
         "marked as answered without a response", "an answer that was paid for is missing: look for it in a snapshot"},
    Rule{"outcome", kResponses,
         "SELECT answer.id FROM answer JOIN attempt ON attempt.id = answer.attempt_id WHERE answer.id > ? "
         "AND answer.id <= ? AND attempt.outcome <> 'answered'",
         "whose attempt was not answered", "the two contradict each other: was the corpus changed by hand?"},
    Rule{"json", kSourceRows,
         "SELECT id FROM source_row WHERE id > ? AND id <= ? AND metadata IS NOT NULL AND NOT json_valid(metadata)",
         "whose metadata is no JSON", "export stops there: harvest the prompt file again, which mends them"},
    Rule{"json", kResponses,
         "SELECT id FROM response WHERE id > ? AND id <= ? AND tool_calls IS NOT NULL AND NOT json_valid(tool_calls)",
         "whose tool_calls are no JSON", "export stops there: was the corpus changed by hand?"},
    Rule{"batch", kRequests,
         "SELECT id FROM request WHERE id > ? AND id <= ? AND batch_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM batch "
         "WHERE batch.id = request.batch_id AND state <> 'collected')",
         "that are under way in a batch that is over or not there",
         "they are never asked again: set their batch_id to NULL, and the next harvest asks them"},
    Rule{"batch", kAttempts,
         "SELECT id FROM attempt WHERE id > ? AND id <= ? AND batch_id IS NOT NULL AND outcome IN ('unsent', 'sent') "
         "AND EXISTS (SELECT 1 FROM batch WHERE batch.id = attempt.batch_id AND state = 'collected')",
         "of a collected batch without an outcome", "an answer that was paid for may be missing: look in a snapshot"},
    Rule{"batch", kBatches,
         "SELECT id FROM batch WHERE id > ? AND id <= ? AND (state = 'submitted' AND provider_id IS NULL)",
         "that are submitted without the provider's id", "their answers cannot be had: look for the id in a snapshot"},
    Rule{"tombstone", kPrompts,
         "SELECT prompt.id FROM prompt JOIN tombstone ON tombstone.prompt_id = prompt.id WHERE prompt.id > ? AND "
         "prompt.id <= ? AND (messages <> '[]' OR EXISTS (SELECT 1 FROM request JOIN response ON response.request_id = "
         "request.id WHERE request.prompt_id = prompt.id AND (text <> '' OR reasoning <> '')))",
         "that were forgotten and hold content", "something wrote it back: forget them again"},
};

const char* noun_of(const char* bounds) {
  if (bounds == kRequests) return "requests";
  if (bounds == kAttempts) return "attempts";
  if (bounds == kResponses) return "responses";
  if (bounds == kBatches) return "batches";
  return bounds == kSourceRows ? "source rows" : "prompts";
}

}  // namespace

void Examination::Tally::add(std::int64_t id) {
  ++count;
  if (count <= 3) first += (count == 1 ? "" : ", ") + std::to_string(id);
  if (count == 4) first += ", …";
}

void Examination::found(const char* check, bool damage, std::string line) {
  result_.damaged |= damage;
  tell_({check, damage, on_one_line(line)});
}

void Examination::found(const char* check, const Tally& tally, const std::string& what, const std::string& meaning) {
  if (tally.count == 0) return;
  found(check, true, std::to_string(tally.count) + " " + what + " (id " + tally.first + "): " + meaning);
}

Result<Checkup> Examination::run() {
  const auto version = connection_.number("PRAGMA user_version");
  if (!version) return fail(version.error());
  result_.version = *version;
  struct Check {
    const char* name;
    Result<void> (Examination::*check)();
  };
  for (const Check& one :
       {Check{"pages", &Examination::check_pages}, Check{"references", &Examination::check_references},
        Check{"rules", &Examination::check_rules}, Check{"open", &Examination::check_open_attempts},
        Check{"digest", &Examination::check_identities}, Check{"text", &Examination::check_texts},
        Check{"body", &Examination::check_bodies}, Check{"logprobs", &Examination::check_logprobs},
        Check{"count", &Examination::count_rows}}) {
    if (auto done = attempt(one.name, one.check); !done) return fail(done.error());
    // On damaged pages the other checks would see ghosts, and might go round in circles.
    if (result_.damaged && one.check == &Examination::check_pages) {
      found("pages", false, "the other checks were not made: they need sound pages");
      break;
    }
  }
  return result_;
}

Result<void> Examination::attempt(const char* name, Result<void> (Examination::*check)()) {
  Result<void> done = (this->*check)();
  if (done || done.error().code != Errc::corpus || connection_.trouble() == Trouble::busy) return done;
  // Damage deep enough to end a check, or a schema that is not ours any more.
  found(name, true, "this check cannot be made: " + done.error().message);
  return {};
}

Result<void> Examination::in_steps(const char* bounds, const Step& step) {
  for (RowId after = INT64_MIN;;) {
    RowId last = 0;
    {
      Rows rows = connection_.query(bounds, after);
      if (!rows.next() || rows.is_null(0)) return rows.status();
      last = rows.integer(0);
    }
    if (last <= after) return fail(Errc::corpus, "its rows are out of order");
    if (auto done = step(after, last); !done) return done;
    after = last;
  }
}

Result<void> Examination::check_pages() {
#define RETORT_CHECK_TABLE(table) "PRAGMA integrity_check(" #table ")",
  constexpr std::array kTables{RETORT_TABLES(RETORT_CHECK_TABLE)};
#undef RETORT_CHECK_TABLE
  int told = 0;
  const auto check = [&](const char* sql) -> Result<void> {
    Rows rows = connection_.query(sql);
    while (rows.next()) {
      const std::string line = rows.text(0);
      if (line == "ok" || ++told > kPageFindingsMax) continue;
      found("pages", true, line + ": the file itself is damaged: " + kRestore);
    }
    return rows.status();
  };
  // Page by page, in one step that no writer should have to wait for: the WAL cannot shrink meanwhile.
  if (whole_file_) return check("PRAGMA integrity_check");
  for (const char* sql : kTables) {
    if (auto done = check(sql); !done) return done;
  }
  return {};
}

Result<void> Examination::check_references() {
#define RETORT_CHECK_TABLE(table) "PRAGMA foreign_key_check(" #table ")",
  constexpr std::array kTables{RETORT_TABLES(RETORT_CHECK_TABLE)};
#undef RETORT_CHECK_TABLE
  for (const char* sql : kTables) {
    Tally tally;
    std::string child, parent;
    Rows rows = connection_.query(sql);
    while (rows.next()) {
      if (tally.count == 0) child = rows.text(0), parent = rows.text(2);
      tally.add(rows.integer(1));
    }
    if (auto done = rows.status(); !done) return done;
    found("references", tally, "rows of " + child + " name a row of " + parent + " that is not there",
          std::string("something was deleted: ") + kRestore);
  }
  return {};
}

Result<void> Examination::check_rules() {
  for (const Rule& rule : kRules) {
    Tally tally;
    const auto done = in_steps(rule.bounds, [&](RowId after, RowId last) {
      Rows rows = connection_.query(rule.sql, after, last);
      while (rows.next()) tally.add(rows.integer(0));
      return rows.status();
    });
    if (!done) return done;
    found(rule.name, tally, noun_of(rule.bounds) + std::string(" ") + rule.what, rule.meaning);
  }
  return {};
}

Result<void> Examination::check_open_attempts() {
  Rows rows = connection_.query(
      "SELECT run_id, count(*), (SELECT state FROM run WHERE run.id = run_id) FROM attempt "
      "WHERE outcome IN ('unsent', 'sent') AND batch_id IS NULL GROUP BY run_id");
  while (rows.next()) {
    const std::string run = std::to_string(rows.integer(0));
    const std::string attempts = std::to_string(rows.integer(1)) + " attempts of run " + run;
    if (!whole_file_ && rows.text(2) == "running") {
      found("open", false, attempts + " are on their way: a harvest is running");
    } else {
      found("open", false,
            attempts +
                " have no outcome: it ended without a word, and they may have been billed; the next harvest "
                "marks them and asks what has no answer");
    }
  }
  if (auto done = rows.status(); !done) return done;
  const auto under_way =
      connection_.number("SELECT count(*) FROM attempt WHERE batch_id IS NOT NULL AND outcome IN ('unsent', 'sent')");
  if (!under_way) return fail(under_way.error());
  if (*under_way > 0) {
    found("open", false,
          std::to_string(*under_way) + " attempts are under way in batches: retort batch collect takes them in");
  }
  return {};
}

Result<void> Examination::check_identities() {
  Tally unreadable, prompts, requests;
  const auto done = in_steps(kPrompts, [&](RowId after, RowId last) {
    Rows rows = connection_.query(
        "SELECT prompt.id, prompt.digest, prompt.messages, request.id, request.digest, request.dialect, request.model, "
        "request.parameters, request.sample FROM prompt LEFT JOIN request ON request.prompt_id = prompt.id "
        "WHERE prompt.id > ? AND prompt.id <= ? "
        "AND NOT EXISTS (SELECT 1 FROM tombstone WHERE tombstone.prompt_id = prompt.id) ORDER BY prompt.id",
        after, last);
    std::optional<RowId> current;
    std::optional<Messages> messages;
    while (rows.next()) {
      if (current != rows.integer(0)) {
        current = rows.integer(0);
        auto parsed = parse_json(rows.text(2));
        messages = parsed ? std::optional<Messages>(std::move(*parsed)) : std::nullopt;
        if (!messages) unreadable.add(*current);
        if (messages && messages->digest() != rows.text(1)) prompts.add(*current);
      }
      if (!messages || rows.is_null(3)) continue;
      const auto parameters = parse_json(rows.text(7));
      if (!parameters || digests_.request(rows.text(5), rows.text(6), *messages, *parameters,
                                          static_cast<int>(rows.integer(8))) != rows.text(4)) {
        requests.add(rows.integer(3));
      }
    }
    return rows.status();
  });
  if (!done) return done;
  found("digest", unreadable, "prompts whose messages are no JSON", std::string("export stops there: ") + kRestore);
  found("digest", prompts, "prompts whose messages are not what their digest says",
        "they were changed after they were asked: their answers answer something else; restore a snapshot");
  found("digest", requests, "requests whose contents are not what their digest says",
        "they were changed after they were asked, and would be asked again; restore a snapshot");
  return {};
}

Result<void> Examination::check_texts() {
  Tally tally;
  const auto done = in_steps(kResponses, [&](RowId after, RowId last) {
    Rows rows = connection_.query("SELECT id, text, reasoning FROM response WHERE id > ? AND id <= ?", after, last);
    while (rows.next()) {
      if (!is_valid_utf8(rows.text(1)) || !is_valid_utf8(rows.text(2))) tally.add(rows.integer(0));
    }
    return rows.status();
  });
  found("text", tally, "responses whose text is not UTF-8", std::string("they were damaged in the file: ") + kRestore);
  return done;
}

Result<void> Examination::check_bodies() {
  Tally tally;
  std::string why;
  const auto done = in_steps(kBodies, [&](RowId after, RowId last) {
    Rows rows = connection_.query("SELECT attempt_id, bytes, body FROM raw WHERE attempt_id > ? AND attempt_id <= ?",
                                  after, last);
    while (rows.next()) {
      ++result_.bodies;
      const std::int64_t bytes = rows.integer(1);
      const bool sane = bytes >= 0 && bytes <= kBodyBytesMax;
      const auto body = decompress(rows.text(2), sane ? static_cast<std::size_t>(bytes) : 0);
      if (body && static_cast<std::int64_t>(body->size()) == bytes) continue;
      tally.add(rows.integer(0));
      if (why.empty()) why = body ? "raw body: of another length than stated" : body.error().message;
    }
    return rows.status();
  });
  found("body", tally, "raw bodies, by attempt, cannot be read back",
        why + "; what was decoded from them is still there, but cannot be decoded again: restore a snapshot");
  return done;
}

Result<void> Examination::check_logprobs() {
  Tally tally;
  const auto done = in_steps(kLogprobs, [&](RowId after, RowId last) {
    Rows rows = connection_.query(
        "SELECT response_id, tokens, bytes, body FROM logprobs WHERE response_id > ? AND response_id <= ?", after,
        last);
    while (rows.next()) {
      const std::int64_t bytes = rows.integer(2);
      const bool sane = bytes >= 0 && bytes <= kBodyBytesMax;
      const auto packed = decompress(rows.text(3), sane ? static_cast<std::size_t>(bytes) : 0);
      const auto tokens = packed ? unpack_logprobs(*packed) : fail(packed.error());
      if (!tokens || static_cast<std::int64_t>(tokens->size()) != rows.integer(1)) tally.add(rows.integer(0));
    }
    return rows.status();
  });
  found("logprobs", tally, "responses whose log probabilities cannot be read back",
        "retort decode makes them again from the raw bodies");
  return done;
}

Result<void> Examination::count_rows() {
  const auto count = [&](const char* sql, std::int64_t& into) -> Result<void> {
    const auto number = connection_.number(sql);
    if (!number) return fail(number.error());
    into = *number;
    return {};
  };
  if (auto done = count("SELECT count(*) FROM prompt", result_.prompts); !done) return done;
  if (auto done = count("SELECT count(*) FROM request", result_.requests); !done) return done;
  if (auto done = count("SELECT count(*) FROM attempt", result_.attempts); !done) return done;
  return count("SELECT count(*) FROM response", result_.responses);
}

Result<Checkup> SqliteCorpora::check(const std::string& path, const IdentityDigests& digests,
                                     const std::function<void(const Finding&)>& tell) {
  const auto place = place_for_reading(path);
  if (!place) return fail(place.error());
  const auto connection = open_untouched(*place);
  if (!connection) return fail(connection.error());
  return Examination(**connection, digests, tell, !HarvestLock::is_held(*place)).run();
}

}  // namespace retort
