#include "storage/entry_writer.h"

#include <algorithm>
#include <utility>

#include "core/base/text.h"
#include "core/corpus/batch.h"
#include "core/corpus/words.h"
#include "storage/logprobs.h"
#include "storage/values.h"

namespace retort {
namespace {

// NULL rather than an empty text: "nothing known", not "known to be empty".
std::optional<std::string_view> unless_empty(const std::string& text) {
  return text.empty() ? std::nullopt : std::optional<std::string_view>(text);
}

std::optional<double> unless_zero_ms(Duration duration) {
  if (duration == Duration::zero()) return {};
  return std::chrono::duration<double, std::milli>(duration).count();
}

std::optional<std::string> also_for(const std::vector<RowId>& requests) {
  return requests.empty() ? std::nullopt : std::optional(dump_json(requests));
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
  const auto add = [&](const std::optional<Response>& response) {
    if (!response) return;
    bytes += response->text.size() + response->reasoning.size();
    for (const TokenLogprob& token : response->logprobs) bytes += sizeof token + token.top.size() * sizeof token.top[0];
  };
  add(end.response);
  for (const Share& share : end.also) add(share.response);
  return bytes;
}

}  // namespace

std::size_t bytes_of(const LogEntry& entry) {
  std::size_t bytes = sizeof entry;
  if (const auto* registration = std::get_if<Register>(&entry)) {
    for (const RequestSpec& spec : registration->requests) {
      bytes += sizeof spec + spec.prompt.reference.size() + spec.prompt.messages.text().size() +
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

void EntryWriter::begin() {
  // What an earlier transaction made may have been rolled back.
  marks_.clear();
  last_prompt_ = 0;
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
    if (entry.with_answers && state->status == RequestStatus::answered) {
      auto answer = answer_of(state->request);
      if (!answer) return fail(answer.error());
      state->answer = std::move(*answer);
    }
    registered.states.push_back(std::move(*state));
  }
  return std::optional<LogEvent>(std::move(registered));
}

// One statement decides whether anything about the question is new: registering a million known rows again must cost
// a look-up each and no write.
Result<RequestState> EntryWriter::look_up_or_add(const RequestSpec& spec) {
  const std::optional<std::string> metadata = json_or_null(spec.prompt.metadata);
  // New questions follow each other, as known ones do. Of a prompt that is not there nothing was ever asked.
  if (expects_new_) {
    const auto prompt = prompt_row(spec);
    if (!prompt) return fail(prompt.error());
    if (prompt->is_new) return insert(spec, *prompt, metadata);
  }
  auto known = in_order_ ? known_as(spec, metadata, last_known_ + 1) : Known{};
  if (known && known->state.request == 0) known = known_as(spec, metadata, {});
  if (!known) return fail(known.error());
  in_order_ = known->state.request == last_known_ + 1;
  last_known_ = known->state.request;
  expects_new_ = last_known_ == 0;
  if (expects_new_) return add(spec, metadata);
  if (known->other_role) {
    // Whoever harvests a question that a judge or a maker was asked before wants its answer like any other.
    if (auto done = connection_.run("UPDATE request SET role = '' WHERE id = ?", last_known_); !done)
      return fail(done.error());
  }
  if (known->unchanged) return known->state;
  if (auto done = mend_source_row(known->prompt, spec.prompt, metadata); !done) return fail(done.error());
  return known->state;
}

Result<EntryWriter::Known> EntryWriter::known_as(const RequestSpec& spec, const std::optional<std::string>& metadata,
                                                 std::optional<RowId> request) {
  static const std::string kQuestion =
      "SELECT request.id, status, truncated, attempts_charged, timeouts, request.prompt_id, "
      "source_row.reference = ?1 AND source_row.metadata IS ?2, "
      "(SELECT 1 FROM tombstone WHERE tombstone.prompt_id = request.prompt_id), invalid_answers, batch_id, role "
      "FROM request LEFT JOIN source_row ON source_row.prompt_id = request.prompt_id AND source_row.source = ?3 "
      "AND source_row.\"row\" = ?4 WHERE ";
  static const std::string kByDigest = kQuestion + "request.digest = ?5";
  static const std::string kByRow = kQuestion + "request.id = ?6 AND +request.digest = ?5";
  const PromptRow& row = spec.prompt;
  Rows found = request ? connection_.look_up(kByRow.c_str(), row.reference, metadata, valid_source(row.source), row.row,
                                             spec.digest, *request)
                       : connection_.look_up(kByDigest.c_str(), row.reference, metadata, valid_source(row.source),
                                             row.row, spec.digest);
  Known known;
  if (found.next()) {
    known.state.request = found.integer(0);
    known.state.status = request_status_of(found.text(1));
    known.state.truncated = known.state.status == RequestStatus::answered && found.integer(2) != 0;
    known.state.attempts_charged = static_cast<int>(found.integer(3));
    known.state.timeouts = static_cast<int>(found.integer(4));
    known.prompt = found.integer(5);
    known.unchanged = found.integer(6) != 0;
    known.state.invalid_answers = static_cast<int>(found.integer(8));
    if (!found.is_null(9)) known.state.attempts_charged = kUnderWayInBatch;
    known.other_role = ids_.role.empty() && !found.text(10).empty();
    if (!found.is_null(7)) known = {forgotten(known.state.request), known.prompt, true};
  }
  if (auto done = found.status(); !done) return fail(done.error());
  return known;
}

// Whatever stands in a forgotten request's row, nothing is wanted of it any more.
RequestState EntryWriter::forgotten(RowId request) {
  RequestState state;
  state.request = request;
  state.status = RequestStatus::answered;
  return state;
}

Result<std::optional<KnownAnswer>> EntryWriter::answer_of(RowId request) {
  Rows found = connection_.look_up(
      "SELECT response.id, text, finish FROM request JOIN response ON response.id = request.response_id "
      "WHERE request.id = ?",
      request);
  std::optional<KnownAnswer> answer;
  if (found.next()) answer = KnownAnswer{found.integer(0), found.text(1), finish_of(found.text(2))};
  if (auto done = found.status(); !done) return fail(done.error());
  return answer;
}

Result<bool> EntryWriter::is_forgotten(RowId prompt) {
  Rows found = connection_.look_up("SELECT 1 FROM tombstone WHERE prompt_id = ?", prompt);
  const bool is = found.next();
  if (auto done = found.status(); !done) return fail(done.error());
  return is;
}

Result<RequestState> EntryWriter::add(const RequestSpec& spec, const std::optional<std::string>& metadata) {
  const auto prompt = prompt_row(spec);
  if (!prompt) return fail(prompt.error());
  if (!prompt->is_new) {
    const auto buried = is_forgotten(prompt->id);
    if (!buried) return fail(buried.error());
    if (*buried) return forgotten(0);
  }
  return insert(spec, *prompt, metadata);
}

Result<RequestState> EntryWriter::insert(const RequestSpec& spec, PromptId prompt,
                                         const std::optional<std::string>& metadata) {
  if (spec.parameters != last_parameters_ || last_parameters_text_.empty()) {
    last_parameters_ = spec.parameters;
    last_parameters_text_ = dump_json(spec.parameters);
  }
  if (auto done = connection_.run("INSERT INTO request (digest, prompt_id, teacher_id, dialect, model, parameters, "
                                  "sample, status, continues, role) VALUES (?, ?, ?, ?, ?, ?, ?, 'pending', ?, ?)",
                                  spec.digest, prompt.id, ids_.teacher, teacher_.dialect, teacher_.model,
                                  last_parameters_text_, spec.sample, spec.continues, ids_.role);
      !done) {
    return fail(done.error());
  }
  RequestState state;
  state.request = connection_.last_insert_id();
  state.first_seen = true;
  const auto kept = prompt.is_new ? add_source_row(prompt.id, spec.prompt, metadata)
                                  : mend_source_row(prompt.id, spec.prompt, metadata);
  if (!kept) return fail(kept.error());
  return state;
}

Result<EntryWriter::PromptId> EntryWriter::prompt_row(const RequestSpec& spec) {
  if (last_prompt_ != 0 && spec.prompt.messages.digest() == last_prompt_digest_) return PromptId{last_prompt_};
  if (auto done = connection_.run("INSERT INTO prompt (digest, messages) VALUES (?, ?) ON CONFLICT (digest) DO NOTHING",
                                  spec.prompt.messages.digest(), spec.prompt.messages.text());
      !done) {
    return fail(done.error());
  }
  PromptId prompt;
  if (connection_.changes() == 1) {
    prompt = {connection_.last_insert_id(), true};
  } else {
    Rows found = connection_.look_up("SELECT id FROM prompt WHERE digest = ?", spec.prompt.messages.digest());
    if (found.next()) prompt.id = found.integer(0);
    if (auto done = found.status(); !done) return fail(done.error());
  }
  last_prompt_digest_ = spec.prompt.messages.digest();
  last_prompt_ = prompt.id;
  return prompt;
}

Result<void> EntryWriter::add_source_row(RowId prompt, const PromptRow& row,
                                         const std::optional<std::string>& metadata) {
  return connection_.run(
      "INSERT INTO source_row (prompt_id, source, \"row\", reference, metadata, run_id) VALUES (?, ?, ?, ?, ?, ?)",
      prompt, valid_source(row.source), row.row, row.reference, metadata, ids_.run);
}

Result<void> EntryWriter::mend_source_row(RowId prompt, const PromptRow& row,
                                          const std::optional<std::string>& metadata) {
  return connection_.run(
      "INSERT INTO source_row (prompt_id, source, \"row\", reference, metadata, run_id) VALUES (?, ?, ?, ?, ?, ?) "
      "ON CONFLICT (prompt_id, source, \"row\") DO UPDATE "
      "SET reference = excluded.reference, metadata = excluded.metadata, run_id = excluded.run_id "
      "WHERE reference <> excluded.reference OR metadata IS NOT excluded.metadata",
      prompt, valid_source(row.source), row.row, row.reference, metadata, ids_.run);
}

const std::string& EntryWriter::valid_source(const std::string& source) {
  if (source != last_source_) {
    last_source_ = source;
    last_source_valid_ = to_valid_utf8(source);
  }
  return last_source_valid_;
}

EntryWriter::Written EntryWriter::write_entry(const Begin& entry) {
  const std::string now = to_iso8601(clock_.wall());
  Begun begun;
  begun.attempts.reserve(entry.attempts.size());
  for (const AttemptStart& start : entry.attempts) {
    if (auto done = connection_.run("INSERT INTO attempt (request_id, run_id, outcome, max_tokens, begun_at, "
                                    "reserved_tokens, reserved_usd, also_for) VALUES (?, ?, 'unsent', ?, ?, ?, ?, ?)",
                                    start.request, ids_.run, start.max_tokens, now, start.reserved.total(),
                                    dollars_of(start.reserved.money), also_for(start.also));
        !done) {
      return fail(done.error());
    }
    begun.attempts.push_back(connection_.last_insert_id());
  }
  return std::optional<LogEvent>(std::move(begun));
}

EntryWriter::Written EntryWriter::write_entry(const MarkSent& entry) {
  for (const RowId attempt : entry.attempts) marks_.emplace(attempt, entry.at);
  for (std::size_t i = 0; i < entry.endpoints.size(); ++i) {
    if (auto done =
            connection_.run("UPDATE attempt SET endpoint = ? WHERE id = ?", entry.endpoints[i], entry.attempts[i]);
        !done) {
      return fail(done.error());
    }
  }
  return std::optional<LogEvent>();
}

Result<void> EntryWriter::finish() {
  for (const auto& [attempt, at] : marks_) {
    if (auto done =
            connection_.run("UPDATE attempt SET outcome = 'sent', sent_at = ? WHERE id = ? AND outcome = 'unsent'",
                            to_iso8601(at), attempt);
        !done) {
      return done;
    }
  }
  return {};
}

EntryWriter::Written EntryWriter::write_entry(const Release& entry) {
  for (const RowId attempt : entry.attempts) {
    if (marks_.contains(attempt)) continue;  // it was sent: what may have cost money is never deleted
    if (auto done = connection_.run("DELETE FROM attempt WHERE id = ? AND outcome = 'unsent'", attempt); !done)
      return fail(done.error());
  }
  return std::optional<LogEvent>();
}

EntryWriter::Written EntryWriter::write_entry(const End& entry) {
  Ended ended;
  ended.attempts.reserve(entry.attempts.size());
  for (const AttemptEnd& end : entry.attempts) {
    if (auto done = write_end(end, ended); !done) return fail(done.error());
    ended.attempts.push_back(end.attempt);
  }
  return std::optional<LogEvent>(std::move(ended));
}

Result<void> EntryWriter::write_end(const AttemptEnd& end, Ended& ended) {
  RETORT_ASSERT(end.outcome != AttemptOutcome::unsent && end.outcome != AttemptOutcome::sent);
  WallTime sent = end.sent_at;
  if (const auto mark = marks_.find(end.attempt); mark != marks_.end()) {
    if (sent == WallTime{}) sent = mark->second;
    marks_.erase(mark);
  }
  const bool was_sent = end.sent_at != WallTime{};
  const auto total_ms = std::chrono::duration_cast<std::chrono::milliseconds>(end.total).count();
  const std::string ended_at = to_iso8601(was_sent ? WallTime{end.sent_at.ms + total_ms} : clock_.wall());
  const auto sent_at = sent != WallTime{} ? std::optional(to_iso8601(sent)) : std::nullopt;

  if (auto done = connection_.run(
          "UPDATE attempt SET outcome = ?, sent_at = coalesce(?, sent_at), ended_at = ?, http_status = ?, error = ?, "
          "error_detail = ?, possibly_billed = ?, first_byte_ms = ?, first_token_ms = ?, total_ms = ?, headers = ?, "
          "cost_usd = ?, input_tokens = ?, output_tokens = ?, cached_input_tokens = ?, cache_creation_tokens = ?, "
          "reasoning_tokens = ? "
          "WHERE id = ? AND request_id = ? AND outcome IN ('unsent', 'sent')",
          word(end.outcome), sent_at, ended_at, end.http_status ? std::optional(end.http_status) : std::nullopt,
          unless_empty(end.error), unless_empty(end.error_detail), end.possibly_billed, unless_zero_ms(end.first_byte),
          unless_zero_ms(end.first_token), unless_zero_ms(end.total), json_or_null(end.headers), dollars_of(end.cost),
          end.usage.input, end.usage.output, end.usage.cached_input, end.usage.cache_creation, end.usage.reasoning,
          end.attempt, end.request);
      !done) {
    return done;
  }
  if (connection_.changes() != 1) {
    return fail(Errc::corpus, connection_.path() + ": attempt " + std::to_string(end.attempt) +
                                  " is not on record as begun: was the corpus changed by hand during the harvest?");
  }
  if (!end.raw_body.empty()) {
    if (auto done = write_raw(end); !done) return done;
  }
  if (auto done = write_share(end, end.request, end.request_status, end.response, ended_at, ended); !done) return done;
  for (const Share& share : end.also) {
    if (auto done = write_share(end, share.request, share.request_status, share.response, ended_at, ended); !done)
      return done;
  }
  return {};
}

Result<void> EntryWriter::write_raw(const AttemptEnd& end) {
  const std::string frame = compressor_.compress(end.raw_body);
  return connection_.run("INSERT INTO raw (attempt_id, bytes, body) VALUES (?, ?, ?)", end.attempt,
                         static_cast<std::int64_t>(end.raw_body.size()), Blob{frame});
}

Result<void> EntryWriter::write_share(const AttemptEnd& end, RowId request, RequestStatus status,
                                      const std::optional<Response>& response, const std::string& ended_at,
                                      Ended& ended) {
  const bool is_charged_timeout = end.outcome == AttemptOutcome::timed_out;
  if (response) {
    const Result<RowId> id = write_response(end, request, *response, ended_at);
    if (!id) return fail(id.error());
    if (response->is_answer()) {
      ended.answers.emplace_back(request, *id);
      // The request belongs to whom answered it last: profiles are renamed, and identity does not know their names.
      return connection_.run(
          "UPDATE request SET status = ?, attempts_charged = attempts_charged + ?, timeouts = timeouts + ?, "
          "response_id = ?, truncated = ?, teacher_id = ? WHERE id = ?",
          word(status), is_charged(end.outcome), is_charged_timeout, *id, response->finish == Finish::length,
          ids_.teacher, request);
    }
  }
  return connection_.run(
      "UPDATE request SET status = ?, attempts_charged = attempts_charged + ?, "
      "timeouts = timeouts + ?, invalid_answers = invalid_answers + ? WHERE id = ?",
      word(status), is_charged(end.outcome), is_charged_timeout, response && !response->invalid.empty(), request);
}

Result<RowId> EntryWriter::write_response(const AttemptEnd& end, RowId request, const Response& answer,
                                          const std::string& ended_at) {
  const auto responses =
      std::int64_t{end.response.has_value()} +
      std::count_if(end.also.begin(), end.also.end(), [](const Share& share) { return share.response.has_value(); });
  const Usd share{answer.partial ? 0 : end.cost.pico / responses};
  if (auto done = connection_.run(
          "INSERT INTO response (attempt_id, request_id, teacher_id, terms_id, text, reasoning, refusal, tool_calls, "
          "finish, provider_finish, input_tokens, output_tokens, cached_input_tokens, reasoning_tokens, served_model, "
          "system_fingerprint, provider_id, cost_usd, obtained_at, cache_creation_tokens, partial, invalid) "
          "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
          end.attempt, request, ids_.teacher, ids_.terms, answer.text, answer.reasoning, answer.refusal,
          json_or_null(answer.tool_calls), word(answer.finish), answer.provider_finish, answer.usage.input,
          answer.usage.output, answer.usage.cached_input, answer.usage.reasoning, answer.served_model,
          answer.system_fingerprint, answer.provider_id, dollars_of(share), ended_at, answer.usage.cache_creation,
          answer.partial, unless_empty(answer.invalid));
      !done) {
    return fail(done.error());
  }
  const RowId id = connection_.last_insert_id();
  if (auto done = write_logprobs(id, answer.logprobs); !done) return fail(done.error());
  return id;
}

Result<void> EntryWriter::write_logprobs(RowId response, const std::vector<TokenLogprob>& tokens) {
  if (tokens.empty()) return {};
  const std::string packed = pack_logprobs(tokens);
  const std::string frame = compressor_.compress(packed);
  return connection_.run("INSERT INTO logprobs (response_id, tokens, bytes, body) VALUES (?, ?, ?, ?)", response,
                         static_cast<std::int64_t>(tokens.size()), static_cast<std::int64_t>(packed.size()),
                         Blob{frame});
}

}  // namespace retort
