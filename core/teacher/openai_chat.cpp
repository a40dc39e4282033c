#include "core/teacher/openai_chat.h"

#include <map>

#include "core/teacher/codec.h"
#include "core/teacher/shapes.h"

namespace retort {
namespace {

Finish finish_of(const std::string& word) {
  if (word == "stop" || word.empty() || word == "eos") return Finish::stop;
  if (word == "length" || word == "model_length") return Finish::length;
  if (word == "content_filter") return Finish::content_filter;
  if (word == "tool_calls" || word == "function_call") return Finish::tool_calls;
  if (word == "refusal") return Finish::refusal;
  if (word == "error") return Finish::error;
  return Finish::other;
}

Usage usage_of(const Json& reply) {
  const Json& usage = json_child(reply, "usage");
  Usage result;
  result.input = json_count(usage, "prompt_tokens");
  result.output = json_count(usage, "completion_tokens");
  result.cached_input = json_count(json_child(usage, "prompt_tokens_details"), "cached_tokens");
  if (!result.cached_input) result.cached_input = json_count(usage, "prompt_cache_hit_tokens");
  result.cache_creation = json_count(json_child(usage, "prompt_tokens_details"), "cache_write_tokens");
  result.reasoning = json_count(json_child(usage, "completion_tokens_details"), "reasoning_tokens");
  return result;
}

// OpenRouter's list: plain text, a summary, or what is encrypted and says nothing to us.
std::string details_text(const Json& details) {
  std::string joined;
  if (!details.is_array()) return joined;
  for (const Json& detail : details) {
    joined += json_text(detail, "text");
    joined += json_text(detail, "summary");
  }
  return joined;
}

// Mistral thinks in parts: {type: "thinking", thinking: [{type: "text", text}]}.
std::string thinking_parts(const Json& message) {
  std::string joined;
  const Json& content = json_child(message, "content");
  if (!content.is_array()) return joined;
  for (const Json& part : content) {
    const Json& thoughts = json_child(part, "thinking");
    if (!thoughts.is_array()) continue;
    for (const Json& thought : thoughts) joined += json_text(thought, "text");
  }
  return joined;
}

// Older vLLM, DeepSeek, llama.cpp and SGLang say reasoning_content; newer vLLM, Ollama and OpenRouter reasoning.
std::string reasoning_of(const Json& message) {
  for (const char* name : {"reasoning_content", "reasoning"}) {
    if (std::string text = json_text(message, name); !text.empty()) return text;
  }
  if (std::string text = details_text(json_child(message, "reasoning_details")); !text.empty()) return text;
  return thinking_parts(message);
}

Response read_choice(const Json& choice) {
  const Json& message = json_child(choice, "message");
  Response response;
  response.text = content_text(message);
  response.reasoning = reasoning_of(message);
  response.refusal = json_text(message, "refusal");
  if (const Json& calls = json_child(message, "tool_calls"); !calls.empty()) response.tool_calls = calls;
  response.provider_finish = json_text(choice, "finish_reason");
  response.finish = response.refusal.empty() ? finish_of(response.provider_finish) : Finish::refusal;
  response.logprobs = read_logprobs(json_child(choice, "logprobs"));
  return response;
}

// The place of an index in a list that grows as the stream goes. An index beyond reason is no new place.
Json* place_of(Json& list, const Json& item) {
  constexpr std::int64_t kPlacesMax = 1024;
  const std::int64_t index = json_count(item, "index").value_or(0);
  if (index >= kPlacesMax) return nullptr;
  while (static_cast<std::int64_t>(list.size()) <= index) list.push_back(Json::object());
  return &list[static_cast<std::size_t>(index)];
}

class ChatFold final : public Fold {
 public:
  void take(const std::string&, const Json& chunk) override {
    for (const char* name : {"id", "model", "system_fingerprint"}) {
      if (std::string text = json_text(chunk, name); !text.empty()) whole_[name] = std::move(text);
    }
    if (const Json& usage = json_child(chunk, "usage"); !usage.empty()) whole_["usage"] = usage;
    const Json& choices = json_child(chunk, "choices");
    if (!choices.is_array()) return;
    for (const Json& choice : choices) take_choice(choice);
  }
  void marked_done() override { done_ = true; }
  bool complete() const override { return done_ || finished_ > 0; }

  Json whole() override {
    Json choices = Json::array();
    for (Json& choice : choices_) {
      // Of several answers, those that were cut are left out: they are asked for again.
      if (!done_ && finished_ > 0 && !choice.contains("finish_reason")) continue;
      if (choice.contains("message")) choices.push_back(std::move(choice));
    }
    whole_["choices"] = std::move(choices);
    return std::move(whole_);
  }

 private:
  void take_choice(const Json& piece) {
    Json* const choice = place_of(choices_, piece);
    if (choice == nullptr) return;
    // Some servers end a stream with the whole message instead of a delta.
    const Json& delta = json_child(piece, piece.contains("delta") ? "delta" : "message");
    Json& message = (*choice)["message"];
    if (!message.is_object()) message = Json::object();
    message["role"] = "assistant";
    append_text(message, "content", content_text(delta));
    append_text(message, "reasoning_content", reasoning_of(delta));
    append_text(message, "refusal", json_text(delta, "refusal"));
    const Json& calls = json_child(delta, "tool_calls");
    for (std::size_t i = 0; calls.is_array() && i < calls.size(); ++i) take_call(message, calls[i]);
    const Json& logprobs = json_child(piece, "logprobs");
    append_items((*choice)["logprobs"], "content", json_child(logprobs, "content"));
    if (std::string finish = json_text(piece, "finish_reason"); !finish.empty()) {
      if (!choice->contains("finish_reason")) ++finished_;
      (*choice)["finish_reason"] = std::move(finish);
    }
  }

  static void take_call(Json& message, const Json& piece) {
    Json& calls = message["tool_calls"];
    if (!calls.is_array()) calls = Json::array();
    Json* const call = place_of(calls, piece);
    if (call == nullptr) return;
    if (std::string id = json_text(piece, "id"); !id.empty()) (*call)["id"] = std::move(id);
    (*call)["type"] = "function";
    Json& function = (*call)["function"];
    if (!function.is_object()) function = {{"name", ""}, {"arguments", ""}};
    append_text(function, "name", json_text(json_child(piece, "function"), "name"));
    append_text(function, "arguments", json_text(json_child(piece, "function"), "arguments"));
  }

  Json whole_ = Json::object();
  Json choices_ = Json::array();
  int finished_ = 0;
  bool done_ = false;
};

class OpenAiChat final : public Codec {
 public:
  explicit OpenAiChat(TeacherSettings settings)
      : Codec(std::move(settings), {.name = "openai-chat",
                                    .unsayable = {},
                                    .choices_max = 128,
                                    .image_urls = true,
                                    .image_data = true,
                                    .any_parts = true,
                                    .credential = {"authorization", "Bearer "}}) {}

 protected:
  std::string url(const Question&) const override { return "/chat/completions"; }

  Json body(const Question& question) const override {
    Json body = question.parameters.is_object() ? question.parameters : Json::object();
    if (settings().reasoning_object) {
      rename(body, "reasoning_effort", "/reasoning/effort");
      rename(body, "reasoning_budget", "/reasoning/max_tokens");
    }
    if (settings().seed_name != "seed") rename(body, "seed", settings().seed_name.c_str());
    body["model"] = settings().model;
    body["messages"] = question.messages.json();
    if (question.max_tokens) body[settings().max_tokens_name] = *question.max_tokens;
    if (question.choices > 1) body["n"] = question.choices;
    if (question.stream) body["stream"] = true;
    if (question.stream && settings().asks_stream_usage) body["stream_options"] = {{"include_usage", true}};
    return body;
  }

  Result<void> accepts_more(const Json& parameters) const override {
    if (!settings().reasoning_object && parameters.contains("reasoning_budget")) {
      return fail(Errc::usage,
                  "the dialect openai-chat has no 'reasoning_budget': use reasoning_effort, or the server's own word");
    }
    return {};
  }

  Reply read(const Json& reply) const override {
    const Json& choices = json_child(reply, "choices");
    if (!choices.is_array() || choices.empty()) return no_answer("no_choices", "the reply has no choices");
    std::multimap<std::int64_t, Response> by_index;
    for (const Json& choice : choices) {
      const Json& message = json_child(choice, "message");
      if (!message.is_object() || message.empty()) continue;
      Response response = read_choice(choice);
      response.served_model = json_text(reply, "model");
      response.system_fingerprint = json_text(reply, "system_fingerprint");
      response.provider_id = json_text(reply, "id");
      by_index.emplace(json_count(choice, "index").value_or(0), std::move(response));
    }
    if (by_index.empty()) return no_answer("no_message", "no choice has a message");
    Answer answer;
    answer.usage = usage_of(reply);
    for (auto& [index, response] : by_index) answer.choices.push_back(std::move(response));
    return answer;
  }

  std::unique_ptr<Fold> fold() const override { return std::make_unique<ChatFold>(); }
};

}  // namespace

std::unique_ptr<Teacher> make_openai_chat(TeacherSettings settings) {
  return std::make_unique<OpenAiChat>(std::move(settings));
}

}  // namespace retort
