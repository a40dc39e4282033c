// Forgetting erases content and keeps the account: what was asked and answered is gone, that it was asked, when, by
// whom and at what cost stays, and the digest with it, so that nothing is asked again.
#include "storage/forget.h"

#include <algorithm>

#include "core/base/hash.h"
#include "core/base/text.h"
#include "core/corpus/content_digest.h"
#include "storage/corpus_file.h"
#include "storage/harvest_lock.h"
#include "storage/runs.h"
#include "storage/sqlite_corpora.h"

namespace retort {
namespace {

Result<RowId> prompt_of(Connection& connection, RowId response) {
  Rows found = connection.query(
      "SELECT request.prompt_id FROM response JOIN request ON request.id = response.request_id WHERE response.id = ?",
      response);
  if (found.next()) return found.integer(0);
  if (auto done = found.status(); !done) return fail(done.error());
  return fail(Errc::usage, connection.path() + ": has no response " + std::to_string(response) +
                               ": nothing was forgotten (retort show lists one)");
}

// Texts that are columns of their own hold it as it is, JSON holds it escaped.
Result<void> add_prompts_containing(Connection& connection, const std::string& text, std::vector<RowId>& prompts) {
  const std::string quoted = dump_json(text);
  const std::string escaped = quoted.substr(1, quoted.size() - 2);
  Rows found = connection.look_up(
      "SELECT id FROM prompt WHERE instr(messages, ?1) "
      "UNION SELECT prompt_id FROM source_row WHERE instr(reference, ?2) OR instr(metadata, ?1) "
      "UNION SELECT request.prompt_id FROM response JOIN request ON request.id = response.request_id "
      "WHERE instr(text, ?2) OR instr(reasoning, ?2) OR instr(refusal, ?2) OR instr(tool_calls, ?1)",
      escaped, text);
  while (found.next()) prompts.push_back(found.integer(0));
  return found.status();
}

// Each text of a user in a prompt, as made prompts are known by (core/curate/origins.h).
std::vector<std::string> text_digests(const std::string& messages) {
  std::vector<std::string> digests;
  const auto parsed = parse_json(messages);
  for (std::size_t i = 0; parsed && parsed->is_array() && i < parsed->size(); ++i) {
    const std::string text = json_text((*parsed)[i], "content");
    if (!text.empty()) digests.push_back(sha256_hex(text));
  }
  return digests;
}

// What quotes a prompt: the questions of judges about its answers, and those of makers to whom it was shown, or who
// made it.
Result<void> add_quoting(Connection& connection, RowId prompt, std::vector<RowId>& found) {
  std::vector<std::string> digests;
  {
    Rows row = connection.query("SELECT digest, messages FROM prompt WHERE id = ?", prompt);
    if (row.next()) {
      digests = text_digests(row.text(1));
      digests.push_back(row.text(0));
    }
    if (auto done = row.status(); !done) return done;
  }
  for (const std::string& digest : digests) {
    Rows rows = connection.query(
        "SELECT prompt_id FROM source_row WHERE source IN ('judge', 'maker') AND instr(metadata, ?1) "
        "UNION SELECT request.prompt_id FROM made_prompt JOIN response ON response.id = made_prompt.response_id "
        "JOIN request ON request.id = response.request_id WHERE made_prompt.digest = ?1",
        digest);
    while (rows.next()) found.push_back(rows.integer(0));
    if (auto done = rows.status(); !done) return done;
  }
  return {};
}

Result<ForgottenPrompt> describe(Connection& connection, RowId prompt) {
  ForgottenPrompt result;
  result.prompt = prompt;
  Rows row = connection.query(
      "SELECT digest, EXISTS (SELECT 1 FROM tombstone WHERE prompt_id = prompt.id) FROM prompt WHERE id = ?", prompt);
  if (row.next()) {
    result.digest = row.text(0);
    result.before = row.integer(1) != 0;
  }
  if (auto done = row.status(); !done) return fail(done.error());
  Rows responses = connection.query(
      "SELECT response.id FROM response JOIN request ON request.id = response.request_id WHERE request.prompt_id = ? "
      "ORDER BY 1",
      prompt);
  while (responses.next()) result.responses.push_back(responses.integer(0));
  if (auto done = responses.status(); !done) return fail(done.error());
  return result;
}

Result<std::vector<ForgottenPrompt>> with_what_follows(Connection& connection, std::vector<RowId> prompts) {
  std::sort(prompts.begin(), prompts.end());
  prompts.erase(std::unique(prompts.begin(), prompts.end()), prompts.end());
  std::vector<ForgottenPrompt> found;
  // A follow-up repeats what it goes on from, and so do its own; judges and makers quote.
  for (std::size_t i = 0; i < prompts.size(); ++i) {
    Rows next = connection.query(
        "SELECT DISTINCT next.prompt_id FROM request JOIN response ON response.request_id = request.id "
        "JOIN request next ON next.continues = response.id WHERE request.prompt_id = ?",
        prompts[i]);
    std::vector<RowId> further;
    while (next.next()) further.push_back(next.integer(0));
    if (auto done = next.status(); !done) return fail(done.error());
    if (auto done = add_quoting(connection, prompts[i], further); !done) return fail(done.error());
    for (const RowId one : further) {
      if (std::find(prompts.begin(), prompts.end(), one) == prompts.end()) prompts.push_back(one);
    }
  }
  for (const RowId prompt : prompts) {
    auto one = describe(connection, prompt);
    if (!one) return fail(one.error());
    found.push_back(std::move(*one));
  }
  return found;
}

Result<std::vector<ForgottenPrompt>> find(Connection& connection, const ToForget& what) {
  std::vector<RowId> prompts;
  for (const RowId response : what.responses) {
    const auto prompt = prompt_of(connection, response);
    if (!prompt) return fail(prompt.error());
    prompts.push_back(*prompt);
  }
  if (!what.containing.empty()) {
    if (auto done = add_prompts_containing(connection, what.containing, prompts); !done) return fail(done.error());
  }
  return with_what_follows(connection, std::move(prompts));
}

// The digests of what is about to go: manifests made earlier can still be proved.
Result<void> keep_digests(Connection& connection, const ForgottenPrompt& one) {
  const auto tombstone = connection.number("SELECT coalesce(max(id), 0) FROM tombstone");
  if (!tombstone) return fail(tombstone.error());
  for (const RowId response : one.responses) {
    Rows row = connection.query(
        "SELECT prompt.messages, text, reasoning, refusal, tool_calls FROM response JOIN request "
        "ON request.id = response.request_id JOIN prompt ON prompt.id = request.prompt_id WHERE response.id = ?",
        response);
    if (!row.next()) continue;
    const auto messages = parse_json(row.text(0));
    const auto tool_calls = row.is_null(4) ? Result<Json>(Json(nullptr)) : parse_json(row.text(4));
    if (!messages || !tool_calls) continue;  // changed by hand: there is nothing to prove
    Response answer;
    answer.text = row.text(1);
    answer.reasoning = row.text(2);
    answer.refusal = row.text(3);
    answer.tool_calls = *tool_calls;
    if (auto done = connection.run("INSERT INTO forgotten (response_id, tombstone_id, content) VALUES (?, ?, ?) "
                                   "ON CONFLICT (response_id) DO NOTHING",
                                   response, *tombstone, content_digest(*messages, answer));
        !done) {
      return done;
    }
  }
  return {};
}

Result<void> bury(Connection& connection, const ForgottenPrompt& one, const std::string& reason, RowId run,
                  const std::string& now) {
  return connection.run(
      "INSERT INTO tombstone (prompt_id, digest, responses, reason, run_id, at) VALUES (?, ?, ?, ?, ?, ?) "
      "ON CONFLICT (prompt_id) DO NOTHING",
      one.prompt, one.digest, static_cast<std::int64_t>(one.responses.size()), to_valid_utf8(reason), run, now);
}

Result<void> erase(Connection& connection, const ForgottenPrompt& one) {
  for (const char* sql :
       {"DELETE FROM want WHERE prompt_id = ?",
        "UPDATE label SET reason = '' WHERE response_id IN (SELECT response.id FROM response JOIN request "
        "ON request.id = response.request_id WHERE request.prompt_id = ?)",
        "UPDATE view_drop SET reason = 'forgotten' WHERE response_id IN (SELECT response.id FROM response JOIN request "
        "ON request.id = response.request_id WHERE request.prompt_id = ?)",
        "UPDATE prompt SET messages = '[]' WHERE id = ?",
        "UPDATE source_row SET reference = '', metadata = NULL WHERE prompt_id = ?",
        "DELETE FROM raw WHERE attempt_id IN (SELECT attempt.id FROM attempt JOIN request "
        "ON request.id = attempt.request_id WHERE request.prompt_id = ?)",
        "UPDATE attempt SET error_detail = NULL WHERE request_id IN (SELECT id FROM request WHERE prompt_id = ?)",
        "DELETE FROM logprobs WHERE response_id IN (SELECT response.id FROM response JOIN request "
        "ON request.id = response.request_id WHERE request.prompt_id = ?)",
        "UPDATE response SET text = '', reasoning = '', refusal = '', tool_calls = NULL, "
        "invalid = CASE WHEN invalid IS NOT NULL THEN 'forgotten' END "  // what was in no view stays out of proofs
        "WHERE request_id IN (SELECT id FROM request WHERE prompt_id = ?)",
        "UPDATE request SET response_id = NULL, truncated = 0, "
        "status = CASE status WHEN 'answered' THEN 'answered' ELSE 'failed' END WHERE prompt_id = ?"}) {
    if (auto done = connection.run(sql, one.prompt); !done) return done;
  }
  return {};
}

Result<void> bury_and_erase(Connection& connection, const std::vector<ForgottenPrompt>& prompts,
                            const std::string& reason, RowId run, const std::string& now) {
  for (const ForgottenPrompt& one : prompts) {
    if (!one.before) {
      if (auto done = bury(connection, one, reason, run, now); !done) return done;
      if (auto done = keep_digests(connection, one); !done) return done;
    }
    if (auto done = erase(connection, one); !done) return done;
  }
  return {};
}

// Pages that were split or freed long ago may still hold copies of what was erased, and so may the WAL: the file is
// written anew, and the WAL emptied.
Result<void> rewrite(Connection& connection) {
  const auto unfinished = [&](const std::string& why) {
    return "forgotten, but its bytes may still lie in the file: " + why + " (then run the same command again)";
  };
  if (auto done = connection.script("VACUUM"); !done) return fail(done.error().code, unfinished(done.error().message));
  connection.set_busy_timeout(3s);
  const auto busy = connection.number("PRAGMA wal_checkpoint(TRUNCATE)");
  if (!busy) return fail(busy.error().code, unfinished(busy.error().message));
  if (*busy == 0) return {};
  return fail(Errc::corpus, unfinished(connection.path() + ": another program is reading the corpus: end it"));
}

}  // namespace

Result<std::vector<ForgottenPrompt>> forget_prompts(Connection& connection, std::vector<RowId> prompts,
                                                    const std::string& reason, RowId run, const std::string& now) {
  auto found = with_what_follows(connection, std::move(prompts));
  if (!found) return found;
  if (auto done = bury_and_erase(connection, *found, reason, run, now); !done) return fail(done.error());
  return found;
}

Result<void> rewrite_after_forgetting(Connection& connection) { return rewrite(connection); }

Result<std::vector<ForgottenPrompt>> SqliteCorpora::forget(const std::string& path, const ToForget& what,
                                                           const RunStart& run, bool dry_run) {
  const auto existing = place_for_reading(path);
  if (!existing) return fail(existing.error());
  if (dry_run) {
    const auto opened = open_for_reading(*existing);
    if (!opened) return fail(opened.error());
    return find(**opened, what);
  }
  const auto place = place_for_writing(path);
  if (!place) return fail(place.error());
  const auto lock = HarvestLock::take(*place);
  if (!lock) return fail(lock.error());
  const auto opened = open_for_writing(*place);
  if (!opened) return fail(opened.error());
  Connection& connection = **opened;
  if (auto set = connection.script("PRAGMA secure_delete = ON;"); !set) return fail(set.error());

  Transaction transaction(connection);
  if (auto done = transaction.begin(); !done) return fail(done.error());
  auto found = find(connection, what);
  if (!found || found->empty()) return found;
  const std::string now = to_iso8601(clock_.wall());
  const auto id = add_run(connection, run, std::nullopt, now);
  if (!id) return fail(id.error());
  if (auto done = bury_and_erase(connection, *found, what.reason, *id, now); !done) return fail(done.error());
  const RunEnd end{0, {}, {{"prompts", found->size()}}};
  if (auto done = end_run(connection, *id, end, now); !done) return fail(done.error());
  if (auto done = transaction.commit(); !done) return fail(done.error());
  if (auto done = rewrite(connection); !done) return fail(done.error());
  return found;
}

}  // namespace retort
