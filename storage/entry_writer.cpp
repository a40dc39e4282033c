#include "storage/entry_writer.h"

#include <utility>

#include "core/base/text.h"
#include "core/corpus/words.h"
#include "storage/values.h"

namespace retort {
namespace {

// NULL rather than an empty text: "nothing known", not "known to be empty".
std::optional<std::string> unless_empty(const std::string& text) {
  return text.empty() ? std::nullopt : std::optional(text);
}

std::optional<double> unless_zero_ms(Duration duration) {
  if (duration == Duration::zero()) return {};
  return std::chrono::duration<double, std::milli>(duration).count();
}

std::size_t json_bytes(const Json& json) {
  std::size_t bytes = sizeof json;
  if (json.is_string()) bytes += json.get_ref<const std::string&>().size();
  if (!json.is_structured()) return bytes;
  for (const Json& item : json) bytes += json_bytes(item);
  return bytes;
}

std::size_t end_bytes(const AttemptEnd& end) {
  std::size_t bytes = sizeof end + end.raw_body.size() + end.error_detail.size() + json_bytes(end.headers);
  if (end.response) bytes += end.response->text.size() + end.response->reasoning.size();
  return bytes;
}

}  // namespace

std::size_t bytes_of(const LogEntry& entry) {
  std::size_t bytes = sizeof entry;
  if (const auto* registration = std::get_if<Register>(&entry)) {
    for (const RequestSpec& spec : registration->requests) {
      bytes += sizeof spec + spec.prompt.reference.size() + json_bytes(spec.prompt.messages) +
               json_bytes(spec.prompt.metadata) + json_bytes(spec.parameters);
    }
  } else if (const auto* begin = std::get_if<Begin>(&entry)) {
    bytes += begin->attempts.size() * sizeof(AttemptStart);
  } else if (const auto* sent = std::get_if<MarkSent>(&entry)) {
    bytes += sent->attempts.size() * sizeof(RowId);
  } else if (const auto* release = std::get_if<Release>(&entry)) {
    bytes += release->attempts.size() * sizeof(RowId);
  } else if (const auto* end = std::get_if<End>(&entry)) {
    for (const AttemptEnd& attempt : end->attempts) bytes += end_bytes(attempt);
  }
  return bytes;
}

EntryWriter::Written EntryWriter::write(const LogEntry& entry) {
  return std::visit([this](const auto& kind) { return write_entry(kind); }, entry);
}

EntryWriter::Written EntryWriter::write_entry(const Register& entry) {
  Registered registered;
  registered.states.reserve(entry.requests.size());
  for (const RequestSpec& spec : entry.requests) {
    auto state = look_up_or_add(spec);
    if (!state) return fail(state.error());
    registered.states.push_back(*state);
  }
  return std::optional<LogEvent>(std::move(registered));
}

Result<RequestState> EntryWriter::look_up_or_add(const RequestSpec& spec) {
  RequestState state;
  RowId prompt = 0;
  {
    Rows found = connection_.query(
        "SELECT id, status, truncated, attempts_charged, timeouts, prompt_id FROM request WHERE digest = ?",
        spec.digest);
    if (found.next()) {
      state.request = found.integer(0);
      state.status = request_status_of(found.text(1));
      state.truncated = state.status == RequestStatus::answered && found.integer(2) != 0;
      state.attempts_charged = static_cast<int>(found.integer(3));
      state.timeouts = static_cast<int>(found.integer(4));
      prompt = found.integer(5);
    }
    if (auto done = found.status(); !done) return fail(done.error());
  }
  if (state.request == 0) {
    const auto added = prompt_row(spec);
    if (!added) return fail(added.error());
    prompt = *added;
    if (auto done = connection_.run("INSERT INTO request (digest, prompt_id, teacher_id, dialect, model, parameters, "
                                    "sample, status) VALUES (?, ?, ?, ?, ?, ?, ?, 'pending')",
                                    spec.digest, prompt, ids_.teacher, teacher_.dialect, teacher_.model,
                                    dump_json(spec.parameters), spec.sample);
        !done) {
      return fail(done.error());
    }
    state.request = connection_.last_insert_id();
    state.first_seen = true;
  }
  if (auto done = keep_source_row(prompt, spec.prompt); !done) return fail(done.error());
  return state;
}

Result<RowId> EntryWriter::prompt_row(const RequestSpec& spec) {
  {
    Rows found = connection_.query("SELECT id FROM prompt WHERE digest = ?", spec.prompt_digest);
    if (found.next()) return found.integer(0);
    if (auto done = found.status(); !done) return fail(done.error());
  }
  if (auto done = connection_.run("INSERT INTO prompt (digest, messages) VALUES (?, ?)", spec.prompt_digest,
                                  dump_json(spec.prompt.messages));
      !done) {
    return fail(done.error());
  }
  return connection_.last_insert_id();
}

Result<void> EntryWriter::keep_source_row(RowId prompt, const PromptRow& row) {
  // What is unchanged is not written: registering a million known rows again must cost reads only.
  return connection_.run(
      "INSERT INTO source_row (prompt_id, source, \"row\", reference, metadata, run_id) VALUES (?, ?, ?, ?, ?, ?) "
      "ON CONFLICT (prompt_id, source, \"row\") DO UPDATE "
      "SET reference = excluded.reference, metadata = excluded.metadata, run_id = excluded.run_id "
      "WHERE reference <> excluded.reference OR metadata IS NOT excluded.metadata",
      prompt, to_valid_utf8(row.source), row.row, row.reference, json_or_null(row.metadata), ids_.run);
}

EntryWriter::Written EntryWriter::write_entry(const Begin& entry) {
  const std::string now = to_iso8601(clock_.wall());
  Begun begun;
  begun.attempts.reserve(entry.attempts.size());
  for (const AttemptStart& start : entry.attempts) {
    if (auto done = connection_.run("INSERT INTO attempt (request_id, run_id, outcome, max_tokens, begun_at, "
                                    "reserved_tokens, reserved_usd) VALUES (?, ?, 'unsent', ?, ?, ?, ?)",
                                    start.request, ids_.run, start.max_tokens, now, start.reserved.total(),
                                    dollars_of(start.reserved.money));
        !done) {
      return fail(done.error());
    }
    begun.attempts.push_back(connection_.last_insert_id());
  }
  return std::optional<LogEvent>(std::move(begun));
}

EntryWriter::Written EntryWriter::write_entry(const MarkSent& entry) {
  const std::string at = to_iso8601(entry.at);
  for (const RowId attempt : entry.attempts) {
    if (auto done = connection_.run(
            "UPDATE attempt SET outcome = 'sent', sent_at = ? WHERE id = ? AND outcome = 'unsent'", at, attempt);
        !done) {
      return fail(done.error());
    }
  }
  return std::optional<LogEvent>();
}

EntryWriter::Written EntryWriter::write_entry(const Release& entry) {
  for (const RowId attempt : entry.attempts) {
    if (auto done = connection_.run("DELETE FROM attempt WHERE id = ? AND outcome = 'unsent'", attempt); !done)
      return fail(done.error());
  }
  return std::optional<LogEvent>();
}

EntryWriter::Written EntryWriter::write_entry(const End& entry) {
  Ended ended;
  ended.attempts.reserve(entry.attempts.size());
  for (const AttemptEnd& end : entry.attempts) {
    if (auto done = write_end(end); !done) return fail(done.error());
    ended.attempts.push_back(end.attempt);
  }
  return std::optional<LogEvent>(std::move(ended));
}

Result<void> EntryWriter::write_end(const AttemptEnd& end) {
  RETORT_ASSERT(end.outcome != AttemptOutcome::unsent && end.outcome != AttemptOutcome::sent);
  const bool was_sent = end.sent_at != WallTime{};
  const auto total_ms = std::chrono::duration_cast<std::chrono::milliseconds>(end.total).count();
  const std::string ended_at = to_iso8601(was_sent ? WallTime{end.sent_at.ms + total_ms} : clock_.wall());
  const auto sent_at = was_sent ? std::optional(to_iso8601(end.sent_at)) : std::nullopt;

  if (auto done = connection_.run(
          "UPDATE attempt SET outcome = ?, sent_at = coalesce(?, sent_at), ended_at = ?, http_status = ?, error = ?, "
          "error_detail = ?, possibly_billed = ?, first_byte_ms = ?, total_ms = ?, headers = ?, cost_usd = ? "
          "WHERE id = ? AND request_id = ? AND outcome IN ('unsent', 'sent')",
          word(end.outcome), sent_at, ended_at, end.http_status ? std::optional(end.http_status) : std::nullopt,
          unless_empty(end.error), unless_empty(end.error_detail), end.possibly_billed, unless_zero_ms(end.first_byte),
          unless_zero_ms(end.total), json_or_null(end.headers), dollars_of(end.cost), end.attempt, end.request);
      !done) {
    return done;
  }
  if (connection_.changes() != 1) {
    return fail(Errc::corpus, connection_.path() + ": attempt " + std::to_string(end.attempt) +
                                  " is not on record as begun: was the corpus changed by hand during the harvest?");
  }
  if (!end.raw_body.empty()) {
    const std::string frame = compressor_.compress(end.raw_body);
    if (auto done = connection_.run("INSERT INTO raw (attempt_id, bytes, body) VALUES (?, ?, ?)", end.attempt,
                                    static_cast<std::int64_t>(end.raw_body.size()), Blob{frame});
        !done) {
      return done;
    }
  }
  if (end.response) {
    if (auto done = write_response(end, ended_at); !done) return done;
  }
  return connection_.run(
      "UPDATE request SET status = ?, attempts_charged = attempts_charged + ?, "
      "timeouts = timeouts + ? WHERE id = ?",
      word(end.request_status), is_charged(end.outcome), end.outcome == AttemptOutcome::timed_out, end.request);
}

Result<void> EntryWriter::write_response(const AttemptEnd& end, const std::string& ended_at) {
  const Response& answer = *end.response;
  if (auto done = connection_.run(
          "INSERT INTO response (attempt_id, request_id, teacher_id, terms_id, text, reasoning, refusal, tool_calls, "
          "finish, provider_finish, input_tokens, output_tokens, cached_input_tokens, reasoning_tokens, served_model, "
          "system_fingerprint, provider_id, cost_usd, obtained_at) "
          "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
          end.attempt, end.request, ids_.teacher, ids_.terms, answer.text, answer.reasoning, answer.refusal,
          json_or_null(answer.tool_calls), word(answer.finish), answer.provider_finish, answer.usage.input,
          answer.usage.output, answer.usage.cached_input, answer.usage.reasoning, answer.served_model,
          answer.system_fingerprint, answer.provider_id, dollars_of(end.cost), ended_at);
      !done) {
    return done;
  }
  // The request belongs to whom answered it last: profiles are renamed, and identity does not know their names.
  return connection_.run("UPDATE request SET response_id = ?, truncated = ?, teacher_id = ? WHERE id = ?",
                         connection_.last_insert_id(), answer.finish == Finish::length, ids_.teacher, end.request);
}

}  // namespace retort
