#include "core/serve/openai_protocol.h"

#include <algorithm>

namespace retort {
namespace {

bool is_word_byte(unsigned char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c >= 0x80; }

/// The end of the token at `at` (which is no space).
std::size_t token_end(std::string_view text, std::size_t at) {
  if (!is_word_byte(static_cast<unsigned char>(text[at]))) return at + 1;
  while (at < text.size() && is_word_byte(static_cast<unsigned char>(text[at]))) ++at;
  return at;
}

ChatError invalid(std::string message) { return {.status = 400, .code = "", .message = std::move(message)}; }

/// Text of a message: a string, null, or OpenAI's list of parts, of which only text can be understood.
std::optional<std::string> content_text(const Json& message) {
  const auto found = message.find("content");
  if (found == message.end() || found->is_null()) return std::string();
  if (found->is_string()) return found->get<std::string>();
  if (!found->is_array()) return {};
  std::string text;
  for (const Json& part : *found) {
    if (!part.is_object() || json_text(part, "type") != "text") return {};
    text += json_text(part, "text");
  }
  return text;
}

std::optional<ChatError> read_messages(const Json& body, ChatRequest& request) {
  request.messages = json_child(body, "messages");
  if (!request.messages.is_array() || request.messages.empty())
    return invalid("messages must be a list with at least one message");
  for (const Json& message : request.messages) {
    if (!message.is_object() || json_text(message, "role").empty())
      return invalid("each message must be an object with a role");
    const auto text = content_text(message);
    if (!text) return invalid("the content of a message must be text");
    request.prompt_tokens += count_tokens(*text);
    if (json_text(message, "role") == "user") request.last_user_text = *text;
  }
  return {};
}

/// A whole number in a range, absent (null counts as absent), or an error.
std::optional<ChatError> read_number(const Json& body, const char* key, std::int64_t low, std::int64_t high,
                                     std::optional<std::int64_t>& value) {
  const auto found = body.find(key);
  if (found == body.end() || found->is_null()) return {};
  value = json_count(body, key);
  if (!value || *value < low || *value > high) {
    return invalid(std::string(key) + " must be a whole number from " + std::to_string(low) + " to " +
                   std::to_string(high));
  }
  return {};
}

std::optional<ChatError> read_flag(const Json& object, const char* key, bool& value) {
  const auto found = object.find(key);
  if (found == object.end() || found->is_null()) return {};
  if (!found->is_boolean()) return invalid(std::string(key) + " must be true or false");
  value = found->get<bool>();
  return {};
}

Json usage_of(const ChatAnswer& answer) {
  return {{"prompt_tokens", answer.prompt_tokens},
          {"completion_tokens", answer.completion_tokens},
          {"total_tokens", answer.prompt_tokens + answer.completion_tokens},
          {"completion_tokens_details", {{"reasoning_tokens", answer.reasoning_tokens}}}};
}

Json envelope(const ChatAnswer& answer, const char* object) {
  return {{"id", answer.id}, {"object", object}, {"created", answer.created_seconds}, {"model", answer.model}};
}

std::string event(const Json& data) { return "data: " + dump_json(data) + "\n\n"; }

}  // namespace

std::variant<ChatRequest, ChatError> parse_chat_request(std::string_view text) {
  const Result<Json> parsed = parse_json(text);
  if (!parsed) return invalid("the body is not JSON: " + parsed.error().message);
  const Json& body = *parsed;
  if (!body.is_object()) return invalid("the body must be a JSON object");
  ChatRequest request;
  request.model = json_text(body, "model");
  if (request.model.empty()) return invalid("model is missing");
  if (auto error = read_messages(body, request)) return *error;
  std::optional<std::int64_t> samples;
  std::optional<std::int64_t> seed;
  if (auto error = read_number(body, "n", 1, kSamplesMax, samples)) return *error;
  if (auto error = read_number(body, "seed", 0, INT64_MAX, seed)) return *error;
  if (auto error = read_number(body, "max_tokens", 1, INT32_MAX, request.max_tokens)) return *error;
  if (auto error = read_number(body, "max_completion_tokens", 1, INT32_MAX, request.max_tokens)) return *error;
  if (auto error = read_flag(body, "stream", request.stream)) return *error;
  const Json& stream_options = json_child(body, "stream_options");
  if (stream_options.is_object()) {
    if (auto error = read_flag(stream_options, "include_usage", request.stream_usage)) return *error;
  }
  const auto temperature = body.find("temperature");
  if (temperature != body.end() && !temperature->is_null() && !temperature->is_number())
    return invalid("temperature must be a number");
  request.samples = static_cast<int>(samples.value_or(1));
  if (seed) request.seed = static_cast<std::uint64_t>(*seed);
  return request;
}

std::string chat_body(const ChatAnswer& answer) {
  Json body = envelope(answer, "chat.completion");
  body["choices"] = Json::array();
  for (const ChatChoice& choice : answer.choices) {
    Json message = {{"role", "assistant"}, {"content", choice.answer.text}};
    if (!choice.answer.reasoning.empty()) message["reasoning_content"] = choice.answer.reasoning;
    body["choices"].push_back({{"index", body["choices"].size()},
                               {"message", std::move(message)},
                               {"finish_reason", choice.finish},
                               {"logprobs", nullptr}});
  }
  body["usage"] = usage_of(answer);
  return dump_json(body);
}

std::vector<std::string> chat_events(const ChatAnswer& answer, bool with_usage) {
  std::vector<std::string> events;
  const auto chunk = [&](std::size_t index, Json delta, Json finish) {
    Json data = envelope(answer, "chat.completion.chunk");
    data["choices"] =
        Json::array({Json{{"index", index}, {"delta", std::move(delta)}, {"finish_reason", std::move(finish)}}});
    if (with_usage) data["usage"] = nullptr;
    events.push_back(event(data));
  };
  for (std::size_t i = 0; i < answer.choices.size(); ++i) {
    const ChatChoice& choice = answer.choices[i];
    chunk(i, {{"role", "assistant"}, {"content", ""}}, nullptr);
    const auto in_pieces = [&](const char* key, std::string_view text) {
      while (!text.empty()) {
        const std::size_t bytes = bytes_of_tokens(text, 4);
        chunk(i, {{key, std::string(text.substr(0, bytes))}}, nullptr);
        text.remove_prefix(bytes);
      }
    };
    in_pieces("reasoning_content", choice.answer.reasoning);
    in_pieces("content", choice.answer.text);
    chunk(i, Json::object(), choice.finish);
  }
  if (with_usage) {
    Json data = envelope(answer, "chat.completion.chunk");
    data["choices"] = Json::array();
    data["usage"] = usage_of(answer);
    events.push_back(event(data));
  }
  events.emplace_back("data: [DONE]\n\n");
  return events;
}

std::string chat_error_body(const ChatError& error) {
  Json code = nullptr;
  if (!error.code.empty()) code = error.code;
  return dump_json(
      {{"error", {{"message", error.message}, {"type", error.type}, {"param", nullptr}, {"code", std::move(code)}}}});
}

std::string model_list_body(const std::string& model) {
  return dump_json(
      {{"object", "list"}, {"data", Json::array({Json{{"id", model}, {"object", "model"}, {"owned_by", "retort"}}})}});
}

Tokens count_tokens(std::string_view text) {
  Tokens count = 0;
  for (std::size_t at = 0; at < text.size();) {
    if (text[at] == ' ') {
      ++at;
      continue;
    }
    at = token_end(text, at);
    ++count;
  }
  return count;
}

std::size_t bytes_of_tokens(std::string_view text, Tokens tokens) {
  std::size_t at = 0;
  for (; tokens > 0; --tokens) {
    while (at < text.size() && text[at] == ' ') ++at;
    if (at == text.size()) break;
    at = token_end(text, at);
  }
  // Spaces at the end cost nothing, so they do not count as missing.
  return text.find_first_not_of(' ', at) == std::string_view::npos ? text.size() : at;
}

}  // namespace retort
