// OpenAI's chat completions as a server sees them: bytes to a request, an answer to bytes. Pure, so that the embedded
// server, the fake teacher of the tests and a fuzzer share it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "core/base/json.h"
#include "core/base/units.h"

namespace retort {

struct ChatRequest {
  std::string model;
  Json messages;               ///< as sent; checked to be objects with a role and text
  std::string last_user_text;  ///< what is asked; empty if no message is the user's
  std::optional<std::uint64_t> seed;
  int samples = 1;  ///< n
  std::optional<Tokens> max_tokens;
  bool stream = false;
  bool stream_usage = false;
  Tokens prompt_tokens = 0;  ///< of all messages, by count_tokens
};

struct TaughtAnswer {
  std::string reasoning;
  std::string text;
};

struct ChatChoice {
  TaughtAnswer answer;
  std::string finish = "stop";  ///< OpenAI's word
};

struct ChatAnswer {
  std::string id;
  std::string model;
  std::int64_t created_seconds = 0;
  std::vector<ChatChoice> choices;
  Tokens prompt_tokens = 0;
  Tokens completion_tokens = 0;  ///< of all choices, reasoning included
  Tokens reasoning_tokens = 0;
};

/// An error in OpenAI's shape.
struct ChatError {
  int status = 400;
  std::string type = "invalid_request_error";
  std::string code;  ///< empty: null
  std::string message;
};

constexpr int kSamplesMax = 128;

/// Total: any bytes become a request or an error that says what is wrong with them.
std::variant<ChatRequest, ChatError> parse_chat_request(std::string_view body);

std::string chat_body(const ChatAnswer& answer);
/// Server-sent events, each complete with its empty line: a role, reasoning and text in pieces, the finish of each
/// choice, the usage if asked for, [DONE].
std::vector<std::string> chat_events(const ChatAnswer& answer, bool with_usage);
std::string chat_error_body(const ChatError& error);
std::string model_list_body(const std::string& model);

/// This server's own measure: a run of letters is one token, and so is every digit and every other character but
/// spaces.
Tokens count_tokens(std::string_view text);
/// How many bytes the first `tokens` tokens take: all of them if there are no more.
std::size_t bytes_of_tokens(std::string_view text, Tokens tokens);

}  // namespace retort
