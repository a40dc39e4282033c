// What a corpus remembers, as plain values. The SQL schema (docs/corpus.md) has the same words.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/base/instant.h"
#include "core/base/json.h"
#include "core/base/units.h"
#include "core/corpus/messages.h"

namespace retort {

using RowId = std::int64_t;  ///< SQLite's own: positive, ascending with time

/// What a teacher's profile says about its outputs. Copied onto each response when it is obtained.
struct Terms {
  std::string licence;                    ///< SPDX name or the provider's own word; may be empty
  std::string terms_url;                  ///
  std::string terms_checked;              ///< date on which a person read them, YYYY-MM-DD
  std::vector<std::string> conditions;    ///< "attribution", …
  std::optional<bool> outputs_may_train;  ///< unset means unknown
};

struct TeacherIdentity {
  std::string name;      ///< of the profile
  std::string dialect;   ///< "openai-chat"
  std::string base_url;  ///< without credentials
  std::string model;     ///< as asked for
  std::string vendor;    ///< who made the model, as the profile states it; may be empty
  bool operator==(const TeacherIdentity&) const = default;
};

/// One row of a prompt source.
struct PromptRow {
  std::string source;    ///< path as given, "-" for stdin
  std::int64_t row = 0;  ///< line number, from 1
  Messages messages;
  std::string reference;    ///< known right answer, may be empty
  Json metadata = nullptr;  ///< the row's other fields (an object), or null
  int samples = 0;          ///< asked of this one; 0: as many as of all others
};

/// One question asked once: a prompt, a sample index and the parameters that shape the answer.
struct RequestSpec {
  std::string digest;  ///< request identity, see core/teacher/identity.h
  PromptRow prompt;
  Json parameters;  ///< as sent, with the sample's own seed
  int sample = 0;
  std::optional<RowId> continues = {};  ///< the response after which a follow-up asks on
  int turn = 0;                         ///< of the script of follow-ups; 0: the prompt itself
};

/// `pending` also covers what was tried and may be tried again.
enum class RequestStatus { pending, answered, failed };

/// The common word for why an answer ended; the provider's own is kept beside it.
enum class Finish { stop, length, content_filter, refusal, tool_calls, error, other };

/// What a request was answered, as a follow-up needs it.
struct KnownAnswer {
  RowId response = 0;
  std::string text;
  Finish finish = Finish::stop;
  std::string reasoning = {};
};

/// Where a request stands, as the planner needs it.
struct RequestState {
  RowId request = 0;
  RequestStatus status = RequestStatus::pending;
  bool truncated = false;                  ///< answered, and the newest answer was cut at the token limit
  int attempts_charged = 0;                ///< attempts that count against the bound: refusals and unsent ones do not
  int timeouts = 0;                        ///< attempts that ended in a time-out: retried once at most
  bool first_seen = false;                 ///< this registration made it
  int invalid_answers = 0;                 ///< answers that were not of the wanted shape
  std::optional<KnownAnswer> answer = {};  ///< of an answered one, if the registration asked for it
};

/// How an attempt ended. The life of an attempt: unsent → sent → one of the others.
enum class AttemptOutcome {
  unsent,            ///< on record, not yet on the wire; what a clean stop leaves unsent is deleted
  sent,              ///< on the wire, no outcome yet
  answered,          ///< a response was decoded and stored
  refused,           ///< 429 and the like: the teacher did not take it; burns no attempt
  failed,            ///< an error response, or bytes that are no answer
  network,           ///< no complete response
  timed_out,         ///< possibly billed; asked again once at most
  cancelled,         ///< given up on by us with the request on the wire; possibly billed
  delivery_unknown,  ///< found without an outcome after a crash; possibly billed
};

struct AttemptStart {
  RowId request = 0;
  std::optional<std::int64_t> max_tokens;  ///< not part of the request's identity, so it belongs to the attempt
  Cost reserved = {};  ///< an upper bound, set aside before sending; what counts as spent if no answer ever says more
  std::vector<RowId> also = {};  ///< further requests that it serves: one is sent for several samples
};

/// What a corpus has cost so far, over all runs: answers at their price, attempts that may have been billed without an
/// answer at what was reserved for them.
struct Spent {
  std::int64_t requests = 0;  ///< attempts that were sent, or may have been
  Tokens tokens = 0;          ///< in and out
  Usd money;
};

/// What earlier requests to one teacher were like: the ground of a prediction. Over the newest attempts only.
struct Experience {
  std::int64_t attempts = 0;         ///< looked at
  std::int64_t answers = 0;          ///< of these
  double input_tokens_per_byte = 0;  ///< of the prompts' messages as stored; 0 if unknown
  double output_tokens = 0;          ///< mean of an answer; 0 if unknown
  double latency_seconds = 0;        ///< mean of an answer
  double answers_per_minute = 0;     ///< in the busiest minute
};

/// Token counts, with one meaning for all dialects; what a provider does not say is unset.
struct Usage {
  std::optional<Tokens> input = {};         ///< the whole prompt: what came from a cache or went into one is part of it
  std::optional<Tokens> output = {};        ///< everything written: reasoning is part of it
  std::optional<Tokens> cached_input = {};  ///< of input: read from the provider's cache
  std::optional<Tokens> reasoning = {};     ///< of output: what was thought
  std::optional<Tokens> cache_creation = {};  ///< of input: written into the provider's cache
};

/// One token of an answer: its bytes (a part of a UTF-8 character is legal) and the natural logarithm of its
/// probability.
struct TokenLogprob {
  struct Alternative {
    std::string bytes;
    float logprob = 0;
  };
  std::string bytes;
  float logprob = 0;
  std::vector<Alternative> top =
      {};  ///< the likeliest at this place, as the provider ordered them; may be fewer than asked
};

/// A decoded answer. Text and reasoning are valid UTF-8; NUL is legal in both.
struct Response {
  std::string text;
  std::string reasoning;
  std::string refusal;  ///< the provider's own refusal field
  Json tool_calls = nullptr;
  Finish finish = Finish::stop;
  std::string provider_finish;
  Usage usage;
  std::string served_model;
  std::string system_fingerprint;
  std::string provider_id;                  ///< the reply's id
  std::vector<TokenLogprob> logprobs = {};  ///< empty if they were not asked for, or not sent
  bool partial = false;                     ///< of a stream that was cut: kept, but no answer
  std::string invalid = {};  ///< why it is not of the wanted shape, and so no answer; empty if it is, or nobody looked

  bool is_answer() const { return !partial && invalid.empty(); }
};

/// What an attempt left of a request that it served beside its first.
struct Share {
  RowId request = 0;
  RequestStatus request_status = RequestStatus::pending;
  std::optional<Response> response = {};
};

/// Everything known at the end of an attempt. Raw bytes are stored first; the response is a pure function of them.
struct AttemptEnd {
  RowId attempt = 0;
  RowId request = 0;
  AttemptOutcome outcome = AttemptOutcome::answered;
  RequestStatus request_status = RequestStatus::pending;  ///< after this attempt
  int http_status = 0;
  std::string error;         ///< "http_500", "timeout", …: a word for machines
  std::string error_detail;  ///< one redacted line for people
  bool possibly_billed = false;
  WallTime sent_at;
  Duration first_byte{};
  Duration first_token{};  ///< of a stream: until the first of its text; zero if none came
  Duration total{};
  Json headers = nullptr;  ///< wire headers worth keeping: request ids and rate limits
  std::string raw_body;    ///< redacted of the credential; stored compressed
  std::optional<Response> response;
  Usd cost;                      ///< of this attempt, as far as known
  std::vector<Share> also = {};  ///< the other requests that it served
  Usage usage = {};              ///< of the whole attempt, where it has several responses: nobody knows each one's part
};

/// One invocation that touched a corpus.
struct RunStart {
  std::string command;  ///< "harvest", "export", "train"
  std::string arguments;
  std::string version;
  std::string host;
  Json configuration;  ///< resolved settings, no secrets
  /// Of a harvest that asks for retort's own ends: "judge", "maker", "eval". What it asks is then no part of the view
  /// `all`.
  std::string role = {};
};

struct RunEnd {
  int exit_code = 0;
  Usd cost;
  Json summary;
};

/// A run with what became of its attempts.
struct RunRecord {
  RowId id = 0;
  std::string command, teacher, state, began_at, ended_at;
  std::int64_t attempts = 0, answered = 0, truncated = 0, refusals = 0, failed = 0, unknown = 0;
  Tokens input = 0, output = 0;
  Usd cost;             ///< as billed, as far as known
  Usd possibly_billed;  ///< reserved for attempts that may have cost money without an answer
  Usd truncated_cost;   ///< part of `cost`: answers cut at the token limit
  Json summary = nullptr;
};

/// The one way past unknown or forbidding terms, and past evidence: somebody says why, and it is kept.
struct Permission {
  std::string kind;       ///< "permission" (terms) or "explanation" (evidence)
  std::string statement;  ///< who, when, where it is written
};

/// A prompt with its answer, as a view lists them.
struct Pair {
  RowId response = 0;
  RowId request = 0;
  RowId attempt = 0;
  RowId prompt = 0;
  RowId terms = 0;
  Json messages;
  std::string reference;    ///< of the prompt's newest source row that has one
  Json metadata = nullptr;  ///< of the prompt's newest source row
  std::string source;       ///
  std::int64_t source_row = 0;
  int sample = 0;
  Json parameters;
  Response answer;
  TeacherIdentity teacher;
  Terms rights;
  Usd cost;
  WallTime obtained;
  Duration latency{};
  Duration first_token{};               ///< zero if unknown
  std::optional<RowId> continues = {};  ///< the response after which this one was asked
  std::int64_t logprob_tokens = 0;      ///< tokens with log probabilities: CorpusReader::logprobs reads them
};

}  // namespace retort
