// A provider's dialect: a pure codec between our request and its bytes. No sockets, no clock, no retries.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "core/base/instant.h"
#include "core/base/json.h"
#include "core/base/result.h"
#include "core/base/units.h"
#include "core/corpus/records.h"
#include "core/net/transport.h"
#include "core/teacher/prices.h"

namespace retort {

/// What is asked: messages and sampling parameters, as identity knows them, and the attempt's own max_tokens.
struct Question {
  Json messages;
  Json parameters;  ///< sent as they are; the sample's seed is already in
  std::optional<std::int64_t> max_tokens;
};

/// Why a reply is no answer. The words are those of docs/faults.md and of the corpus.
struct Rejection {
  enum class Kind {
    rate_limited,  ///< try later; burns no attempt
    quota,         ///< the account's quota or spend limit: stops the teacher
    refused_us,    ///< authentication, permission, no such model: stops the teacher
    transient,     ///< the server's trouble, or bytes that are no answer: worth another attempt
    permanent,     ///< this request will never work
  };
  Kind kind = Kind::transient;
  std::string word;    ///< "http_500", "not_json", "no_choices", …
  std::string detail;  ///< one line from the provider's own message, bounded

  /// How long the body, not a header, asks to wait (Gemini's RetryInfo). Headers come first.
  std::optional<Duration> retry_after = {};
  enum class Limit { unknown, requests, tokens };
  Limit limit = Limit::unknown;  ///< with rate_limited: what ran out, where the body says so
  bool slow_down = false;        ///< OpenAI's word: ramp down at once, then up slowly
};

using Reply = std::variant<Response, Rejection>;

/// What a server says about itself.
struct ServerFacts {
  std::vector<std::string> models;             ///< their names, as listed
  bool has_model = false;                      ///< ours is among them
  std::optional<std::int64_t> context_tokens;  ///< of our model: prompt and answer together
};

class Teacher {
 public:
  virtual ~Teacher() = default;

  /// An upper bound on what the question costs, known before sending. Without max_tokens an answer has no bound: then
  /// it is a guess.
  virtual Cost bound(const Question& question) const = 0;
  /// The request, without credential: the harvester adds that on the way to the wire.
  virtual HttpRequest encode(const Question& question) const = 0;
  /// The header in which this dialect carries a key.
  virtual HttpHeader credential_header(std::string_view key) const = 0;
  /// Total: any bytes become a Reply, never an exception. A pure function, so that stored bytes can be decoded again.
  virtual Reply decode(const HttpHead& head, std::string_view body) const = 0;
  /// What was really used, at the price of the time when the answer came; the bound's parts stand in for what the reply
  /// does not say.
  virtual Cost invoice(const Usage& usage, const Cost& bound, WallTime at) const = 0;

  /// A question about the server itself, free of charge: which models it serves. Nothing if the dialect has none.
  virtual std::optional<HttpRequest> ask_models() const = 0;
  /// The answer to it; nothing if these bytes are none.
  virtual std::optional<ServerFacts> read_models(const HttpHead& head, std::string_view body) const = 0;
};

/// What a dialect needs to know of a profile.
struct TeacherSettings {
  std::string base_url;  ///< "http://127.0.0.1:8000/v1", no slash at the end
  std::string model;
  Prices prices;
  std::string max_tokens_name = "max_tokens";  ///< newer OpenAI models want "max_completion_tokens"
};

/// Errc::usage with the list of known dialects if there is none of that name.
Result<std::unique_ptr<Teacher>> make_teacher(const std::string& dialect, TeacherSettings settings);

}  // namespace retort
