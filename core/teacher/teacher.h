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
  /// [{role, content}]: content is text or parts {type: "text", text} and {type: "image_url", image_url: {url}} with an
  /// https or data URL. A last message of the assistant is the beginning of the answer.
  Messages messages;
  /// In the common (OpenAI's) words, which each dialect translates into its own: temperature, top_p, top_k, min_p,
  /// seed, stop, presence_penalty, frequency_penalty, logprobs, top_logprobs, reasoning_effort, reasoning_budget
  /// (tokens), response_format, tools, tool_choice. Other words are sent as they are. The sample's seed is already in.
  Json parameters;
  std::optional<std::int64_t> max_tokens = {};
  bool stream = false;
  int choices = 1;  ///< answers of one request: accepts() says whether the dialect has them
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
  /// With the word "stream_cut" (transient): what came before the stream ended early.
  std::optional<Response> partial = {};
};

/// What one request brought.
struct Answer {
  /// In the order of the provider's index, at least one; fewer than asked for is legal. A single choice's usage is the
  /// answer's; of several, each has only what the provider says of it alone.
  std::vector<Response> choices;
  Usage usage;  ///< of the whole attempt
};

using Reply = std::variant<Answer, Rejection>;

/// What a server says about itself.
struct ServerFacts {
  std::vector<std::string> models;             ///< their names, as listed
  bool has_model = false;                      ///< ours is among them
  std::optional<std::int64_t> context_tokens;  ///< of our model: prompt and answer together
};

class Teacher {
 public:
  virtual ~Teacher() = default;

  /// Errc::usage if the dialect cannot say one of these parameters, or not in these values, or cannot give so many
  /// answers to one request: asked once, before anything is sent.
  virtual Result<void> accepts(const Json& parameters, int choices) const = 0;
  /// Errc::usage if the dialect cannot say such a conversation: a kind of part, or an order of roles.
  virtual Result<void> accepts_messages(const Json& messages) const = 0;

  /// An upper bound on what the question costs, known before sending. Without max_tokens an answer has no bound: then
  /// it is a guess.
  virtual Cost bound(const Question& question) const = 0;
  /// The request, without credential: the harvester adds that on the way to the wire.
  virtual HttpRequest encode(const Question& question) const = 0;
  /// The header in which this dialect carries a key.
  virtual HttpHeader credential_header(std::string_view key) const = 0;
  /// Total: any bytes become a Reply, never an exception. A pure function, so that stored bytes can be decoded again.
  /// A stream is known by its content type and its bytes: its whole body is given, however far it got.
  virtual Reply decode(const HttpHead& head, std::string_view body) const = 0;
  /// What was really used, at the price of the time when the answer came; the bound's parts stand in for what the reply
  /// does not say.
  virtual Cost invoice(const Usage& usage, const Cost& bound, WallTime at) const = 0;

  /// A question about the server itself, free of charge: which models it serves. Nothing if the dialect has none.
  virtual std::optional<HttpRequest> ask_models() const = 0;
  /// The answer to it; nothing if these bytes are none.
  virtual std::optional<ServerFacts> read_models(const HttpHead& head, std::string_view body) const = 0;
};

/// Where thoughts are looked for in the text itself, as R1-style models write them behind servers that do not part
/// them.
enum class InlineReasoning {
  automatic,  ///< <think> at the beginning, or </think> without an opening tag, which was then part of the prompt
  opened,     ///< as automatic, and an answer without any tag is a thought that was cut before its end
  off,        ///< the text stays as it came
};

/// What a dialect needs to know of a profile.
struct TeacherSettings {
  std::string base_url;  ///< "http://127.0.0.1:8000/v1", no slash at the end
  std::string model;
  Prices prices;
  std::string max_tokens_name = "max_tokens";  ///< newer OpenAI models want "max_completion_tokens"
  InlineReasoning inline_reasoning = InlineReasoning::automatic;

  // Where a server departs from the dialect it speaks; core/teacher/presets.cpp knows such servers.
  std::string credential_name = {};  ///< the header that carries the key; empty: the dialect's own
  std::string seed_name = "seed";    ///< openai-chat: Mistral says "random_seed"
  bool asks_stream_usage = true;     ///< openai-chat: stream_options is sent with a stream
  bool reasoning_object = false;     ///< openai-chat: OpenRouter's {"reasoning": {"effort" or "max_tokens"}}
  int choices_max = 0;               ///< answers of one request at most; 0: as many as the dialect can
  double cache_write_factor = 1;     ///< what input costs that is written into the cache, where no price is stated
};

std::vector<std::string> dialect_names();

/// Errc::usage with the list of known dialects if there is none of that name.
Result<std::unique_ptr<Teacher>> make_teacher(const std::string& dialect, TeacherSettings settings);

}  // namespace retort
