// Decoders get better; what was paid for is kept as it came. So stored raw bodies can be read again, and the responses
// that say something else now are set right, with a note of what they were.
#include <algorithm>
#include <array>

#include "core/base/hash.h"
#include "core/base/text.h"
#include "core/corpus/words.h"
#include "storage/compression.h"
#include "storage/corpus_file.h"
#include "storage/harvest_lock.h"
#include "storage/logprobs.h"
#include "storage/runs.h"
#include "storage/sqlite_corpora.h"
#include "storage/values.h"

namespace retort {
namespace {

constexpr std::size_t kBodyBytesMax = 1u << 30;

struct Attempt {
  RowId id = 0;
  std::vector<RowId> requests;  ///< that it served, in order
  std::string outcome;
  RowId teacher = 0;
  StoredReply reply;
};

/// A stored response: its columns as they are, and what is asked of its request.
struct Stored {
  RowId id = 0;
  RowId request = 0;
  Json columns;
  std::string logprobs;  ///< packed
};

Json number_or_null(const std::optional<Tokens>& number) { return number ? Json(*number) : Json(); }

Json columns_of(const Response& response) {
  return {{"text", response.text},
          {"reasoning", response.reasoning},
          {"refusal", response.refusal},
          {"tool_calls", response.tool_calls},
          {"finish", word(response.finish)},
          {"provider_finish", response.provider_finish},
          {"input_tokens", number_or_null(response.usage.input)},
          {"output_tokens", number_or_null(response.usage.output)},
          {"cached_input_tokens", number_or_null(response.usage.cached_input)},
          {"cache_creation_tokens", number_or_null(response.usage.cache_creation)},
          {"reasoning_tokens", number_or_null(response.usage.reasoning)},
          {"served_model", response.served_model},
          {"system_fingerprint", response.system_fingerprint},
          {"provider_id", response.provider_id}};
}

std::string packed_logprobs(const Response& response) {
  return response.logprobs.empty() ? std::string() : pack_logprobs(response.logprobs);
}

class Redecoder {
 public:
  Redecoder(Connection& connection, const Decode& decode, const std::function<void(const Redecoded&)>& tell, RowId run,
            std::string now, bool dry_run)
      : connection_(connection), decode_(decode), tell_(tell), run_(run), now_(std::move(now)), dry_run_(dry_run) {}

  Redecoding counts;

  /// The next bodies after an attempt; the last of them, or 0 at the end.
  Result<RowId> step(RowId after) {
    std::vector<RowId> batch;
    {
      Rows rows = connection_.query("SELECT attempt_id FROM raw WHERE attempt_id > ? ORDER BY 1 LIMIT 64", after);
      while (rows.next()) batch.push_back(rows.integer(0));
      if (auto done = rows.status(); !done) return fail(done.error());
    }
    for (const RowId attempt : batch) {
      if (auto done = look_at(attempt); !done) return fail(done.error());
    }
    return batch.empty() ? 0 : batch.back();
  }

 private:
  Result<void> look_at(RowId id) {
    Result<Attempt> attempt = read(id);
    if (!attempt) return fail(attempt.error());
    Result<std::vector<Stored>> stored = responses_of(id);
    if (!stored) return fail(stored.error());
    ++counts.bodies;
    const Reread reread = decode_(attempt->reply);
    if (stored->empty()) return reread.answers.empty() || reread.partial ? Result<void>() : recover(*attempt, reread);
    if (reread.answers.size() < stored->size()) {
      ++counts.unreadable;
      tell_({id, stored->front().id, {}, "reads as no answer any more (" + reread.problem + "): left as it is"});
      return {};
    }
    for (std::size_t i = 0; i < stored->size(); ++i) {
      if (auto done = compare(id, (*stored)[i], reread.answers[i]); !done) return done;
    }
    return {};
  }

  Result<Attempt> read(RowId id) {
    Attempt attempt;
    attempt.id = id;
    Rows row = connection_.query(
        "SELECT attempt.request_id, also_for, outcome, http_status, headers, teacher.name, teacher.dialect, "
        "teacher.base_url, request.model, teacher.vendor, raw.bytes, raw.body, teacher.id FROM attempt JOIN raw ON "
        "raw.attempt_id = attempt.id JOIN run ON run.id = attempt.run_id JOIN teacher ON teacher.id = run.teacher_id "
        "JOIN request ON request.id = attempt.request_id WHERE attempt.id = ?",
        id);
    if (!row.next()) {
      if (auto done = row.status(); !done) return fail(done.error());
      return fail(Errc::corpus, connection_.path() + ": attempt " + std::to_string(id) +
                                    " has a body and no teacher: see retort fsck");
    }
    attempt.requests.push_back(row.integer(0));
    if (const auto also = parse_json(row.text(1)); also && also->is_array()) {
      for (const Json& request : *also) {
        if (request.is_number_integer()) attempt.requests.push_back(request.get<RowId>());
      }
    }
    attempt.outcome = row.text(2);
    attempt.reply.status = static_cast<int>(row.integer(3));
    if (auto headers = parse_json(row.text(4)); headers && headers->is_object())
      attempt.reply.headers = std::move(*headers);
    attempt.reply.teacher = {row.text(5), row.text(6), row.text(7), row.text(8), row.text(9)};
    attempt.teacher = row.integer(12);
    Result<std::string> body = decompress(row.text(11), kBodyBytesMax);
    if (!body)
      return fail(body.error().code,
                  "attempt " + std::to_string(id) + ": " + body.error().message + ": see retort fsck");
    attempt.reply.body = std::move(*body);
    return attempt;
  }

  Result<std::vector<Stored>> responses_of(RowId attempt) {
    std::vector<Stored> stored;
    Rows rows = connection_.query(
        "SELECT response.id, request_id, text, reasoning, refusal, tool_calls, finish, provider_finish, input_tokens, "
        "output_tokens, cached_input_tokens, cache_creation_tokens, reasoning_tokens, served_model, "
        "system_fingerprint, provider_id, logprobs.bytes, logprobs.body FROM response "
        "LEFT JOIN logprobs ON logprobs.response_id = response.id WHERE attempt_id = ? ORDER BY response.id",
        attempt);
    while (rows.next()) {
      Stored one{rows.integer(0), rows.integer(1), Json::object(), {}};
      constexpr std::array kNames{"text",
                                  "reasoning",
                                  "refusal",
                                  "tool_calls",
                                  "finish",
                                  "provider_finish",
                                  "input_tokens",
                                  "output_tokens",
                                  "cached_input_tokens",
                                  "cache_creation_tokens",
                                  "reasoning_tokens",
                                  "served_model",
                                  "system_fingerprint",
                                  "provider_id"};
      for (std::size_t i = 0; i < kNames.size(); ++i) {
        const int column = static_cast<int>(i) + 2;
        Json& value = one.columns[kNames[i]];
        if (rows.is_null(column)) continue;
        if (i >= 6 && i <= 10) {
          value = rows.integer(column);
        } else if (i == 3) {
          auto calls = parse_json(rows.text(column));
          value = calls ? std::move(*calls) : Json(rows.text(column));
        } else {
          value = rows.text(column);
        }
      }
      if (!rows.is_null(17)) {
        auto packed = decompress(rows.text(17), static_cast<std::size_t>(std::max<std::int64_t>(0, rows.integer(16))));
        one.logprobs = packed ? std::move(*packed) : "damaged";
      }
      stored.push_back(std::move(one));
    }
    if (auto done = rows.status(); !done) return fail(done.error());
    return stored;
  }

  Result<void> compare(RowId attempt, const Stored& stored, const Response& now) {
    const Json columns = columns_of(now);
    const std::string logprobs = packed_logprobs(now);
    std::vector<std::string> changed;
    for (const auto& [name, value] : columns.items()) {
      if (canonical_json(value) != canonical_json(stored.columns.at(name))) changed.push_back(name);
    }
    if (logprobs != stored.logprobs) changed.push_back("logprobs");
    if (changed.empty()) {
      ++counts.unchanged;
      return {};
    }
    ++counts.changed;
    tell_({attempt, stored.id, changed, {}});
    if (dry_run_) return {};
    if (auto done = note(attempt, canonical_json(stored.columns) + stored.logprobs, changed); !done) return done;
    if (auto done = connection_.run(
            "UPDATE response SET text = ?, reasoning = ?, refusal = ?, tool_calls = ?, finish = ?, provider_finish = "
            "?, input_tokens = ?, output_tokens = ?, cached_input_tokens = ?, cache_creation_tokens = ?, "
            "reasoning_tokens = ?, served_model = ?, system_fingerprint = ?, provider_id = ? WHERE id = ?",
            now.text, now.reasoning, now.refusal, json_or_null(now.tool_calls), word(now.finish), now.provider_finish,
            now.usage.input, now.usage.output, now.usage.cached_input, now.usage.cache_creation, now.usage.reasoning,
            now.served_model, now.system_fingerprint, now.provider_id, stored.id);
        !done) {
      return done;
    }
    if (auto done = put_logprobs(stored.id, now, logprobs); !done) return done;
    return connection_.run("UPDATE request SET truncated = ? WHERE id = ? AND response_id = ?",
                           now.finish == Finish::length, stored.request, stored.id);
  }

  Result<void> put_logprobs(RowId response, const Response& now, const std::string& packed) {
    if (auto done = connection_.run("DELETE FROM logprobs WHERE response_id = ?", response); !done) return done;
    if (packed.empty()) return {};
    const std::string frame = compressor_.compress(packed);
    return connection_.run("INSERT INTO logprobs (response_id, tokens, bytes, body) VALUES (?, ?, ?, ?)", response,
                           static_cast<std::int64_t>(now.logprobs.size()), static_cast<std::int64_t>(packed.size()),
                           Blob{frame});
  }

  Result<void> note(RowId attempt, const std::string& before, const std::vector<std::string>& changed) {
    return connection_.run("INSERT INTO redecoded (attempt_id, before, changed, run_id, at) VALUES (?, ?, ?, ?, ?)",
                           attempt, sha256_hex(before), dump_json(changed), run_, now_);
  }

  /// Paid for and not understood until now. Where another attempt has been answered since, that answer stays.
  Result<void> recover(const Attempt& attempt, const Reread& reread) {
    if (attempt.outcome != "failed" || attempt.reply.status != 200) return {};
    bool any = false;
    for (std::size_t i = 0; i < std::min(attempt.requests.size(), reread.answers.size()); ++i) {
      const RowId request = attempt.requests[i];
      bool open = false;
      {
        Rows row = connection_.query("SELECT status <> 'answered' FROM request WHERE id = ?", request);
        open = row.next() && row.integer(0) != 0;
        if (auto done = row.status(); !done) return done;
      }
      if (!open) continue;
      ++counts.recovered;
      any = true;
      tell_({attempt.id, 0, {"answer"}, "an answer that could not be read before"});
      if (dry_run_) continue;
      if (auto done = add_response(attempt, request, reread.answers[i]); !done) return done;
    }
    if (!any || dry_run_) return {};
    if (auto done = note(attempt.id, "", {"answer"}); !done) return done;
    return connection_.run(
        "UPDATE attempt SET outcome = 'answered', error = NULL, error_detail = NULL, possibly_billed = 0 WHERE id = ?",
        attempt.id);
  }

  Result<void> add_response(const Attempt& attempt, RowId request, const Response& answer) {
    // Of the terms the newest answer of that run knows, else the teacher's: they were its terms then.
    if (auto done = connection_.run(
            "INSERT INTO response (attempt_id, request_id, teacher_id, terms_id, text, reasoning, refusal, tool_calls, "
            "finish, provider_finish, input_tokens, output_tokens, cached_input_tokens, cache_creation_tokens, "
            "reasoning_tokens, served_model, system_fingerprint, provider_id, cost_usd, obtained_at) SELECT "
            "attempt.id, "
            "?, teacher.id, coalesce((SELECT terms_id FROM response JOIN attempt a ON a.id = response.attempt_id WHERE "
            "a.run_id = attempt.run_id ORDER BY response.id DESC LIMIT 1), teacher.terms_id), ?, ?, ?, ?, ?, ?, ?, ?, "
            "?, ?, ?, ?, ?, ?, 0, coalesce(ended_at, begun_at) FROM attempt JOIN teacher ON teacher.id = ? "
            "WHERE attempt.id = ?",
            request, answer.text, answer.reasoning, answer.refusal, json_or_null(answer.tool_calls),
            word(answer.finish), answer.provider_finish, answer.usage.input, answer.usage.output,
            answer.usage.cached_input, answer.usage.cache_creation, answer.usage.reasoning, answer.served_model,
            answer.system_fingerprint, answer.provider_id, attempt.teacher, attempt.id);
        !done) {
      return done;
    }
    const RowId response = connection_.last_insert_id();
    if (auto done = put_logprobs(response, answer, packed_logprobs(answer)); !done) return done;
    return connection_.run("UPDATE request SET status = 'answered', response_id = ?, truncated = ? WHERE id = ?",
                           response, answer.finish == Finish::length, request);
  }

  Connection& connection_;
  const Decode& decode_;
  const std::function<void(const Redecoded&)>& tell_;
  RowId run_;
  std::string now_;
  bool dry_run_;
  Compressor compressor_;
};

Json summary_of(const Redecoding& counts) {
  return {{"bodies", counts.bodies},
          {"unchanged", counts.unchanged},
          {"changed", counts.changed},
          {"recovered", counts.recovered},
          {"unreadable", counts.unreadable}};
}

}  // namespace

Result<Redecoding> SqliteCorpora::decode(const std::string& path, const Decode& decode, const RunStart& run,
                                         bool dry_run, const std::function<void(const Redecoded&)>& tell,
                                         const std::function<bool()>& stopped) {
  const auto existing = place_for_reading(path);
  if (!existing) return fail(existing.error());
  std::optional<HarvestLock> lock;
  std::unique_ptr<Connection> connection;
  RowId id = 0;
  const std::string now = to_iso8601(clock_.wall());
  if (dry_run) {
    auto opened = open_for_reading(*existing);
    if (!opened) return fail(opened.error());
    connection = std::move(*opened);
  } else {
    const auto place = place_for_writing(path);
    if (!place) return fail(place.error());
    auto taken = HarvestLock::take(*place);
    if (!taken) return fail(taken.error());
    lock.emplace(std::move(*taken));
    auto opened = open_for_writing(*place);
    if (!opened) return fail(opened.error());
    connection = std::move(*opened);
    const auto added = add_run(*connection, run, std::nullopt, now);
    if (!added) return fail(added.error());
    id = *added;
  }
  Redecoder redecoder(*connection, decode, tell, id, now, dry_run);
  bool interrupted = false;
  for (RowId after = 0; !interrupted;) {
    // Some bodies a transaction: each is either as it was or as it should be, and no commit is long.
    std::optional<Transaction> transaction;
    if (!dry_run) {
      transaction.emplace(*connection);
      if (auto done = transaction->begin(); !done) return fail(done.error());
    }
    const Result<RowId> last = redecoder.step(after);
    if (!last) return fail(last.error());
    if (transaction) {
      if (auto done = transaction->commit(); !done) return fail(done.error());
    }
    if (*last == 0) break;
    after = *last;
    interrupted = stopped();
  }
  if (!dry_run) {
    const RunEnd end{interrupted ? 130 : 0, {}, summary_of(redecoder.counts)};
    if (auto done = end_run(*connection, id, end, to_iso8601(clock_.wall())); !done) return fail(done.error());
  }
  if (interrupted) return fail(Errc::interrupted, "stopped by a signal; run the same command again for the rest");
  return redecoder.counts;
}

}  // namespace retort
