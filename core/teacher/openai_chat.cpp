#include "core/teacher/openai_chat.h"

#include "core/base/text.h"
#include "core/teacher/http_errors.h"

namespace retort {
namespace {

// A token is at least one byte of text in every tokenizer we know.
constexpr Tokens kTokensPerMessage = 8;        // role and separators
constexpr Tokens kTokensPerRequest = 64;       // what a chat template adds of its own
constexpr Tokens kOutputTokensUnknown = 1024;  // a guess where no max_tokens is set

Finish finish_of(const std::string& word) {
  if (word == "stop" || word.empty()) return Finish::stop;
  if (word == "length") return Finish::length;
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
  result.reasoning = json_count(json_child(usage, "completion_tokens_details"), "reasoning_tokens");
  return result;
}

// R1-style models behind servers without a reasoning parser think inline; the opening tag may have been part of
// the prompt's template and be missing here.
void split_inline_reasoning(Response& response) {
  constexpr std::string_view kOpen = "<think>", kClose = "</think>";
  const std::size_t close = response.text.find(kClose);
  if (close == std::string::npos || !response.reasoning.empty()) return;
  std::string_view thought = trimmed(std::string_view(response.text).substr(0, close));
  if (const std::size_t open = thought.find(kOpen); open != std::string_view::npos) {
    if (open != 0) return;  // text before the thought: not the shape we know, so it stays as it came
    thought = trimmed(thought.substr(kOpen.size()));
  }
  response.reasoning = thought;
  response.text = trimmed(std::string_view(response.text).substr(close + kClose.size()));
}

// content is a string, or a list of typed parts of which the text ones are joined.
std::string content_of(const Json& message) {
  const auto content = message.find("content");
  if (content == message.end()) return {};
  if (content->is_string()) return content->get<std::string>();
  std::string joined;
  if (content->is_array()) {
    for (const Json& part : *content) joined += json_text(part, "text");
  }
  return joined;
}

// The length of that, without making it.
std::size_t content_bytes(const Json& message) {
  const auto content = message.find("content");
  if (content == message.end()) return 0;
  if (content->is_string()) return content->get_ref<const std::string&>().size();
  return content_of(message).size();
}

Rejection no_answer(const char* word, std::string detail) {
  return {Rejection::Kind::transient, word, std::move(detail)};
}

class OpenAiChat final : public Teacher {
 public:
  explicit OpenAiChat(TeacherSettings settings) : settings_(std::move(settings)) {}

  Result<void> accepts(const Json& parameters, int choices) const override {
    for (const char* name : {"model", "messages", "stream", "n"}) {
      if (parameters.contains(name)) return fail(Errc::usage, std::string("'") + name + "' is no sampling parameter");
    }
    if (choices < 1) return fail(Errc::usage, "a request has at least one choice");
    return {};
  }

  Result<void> accepts_messages(const Json&) const override { return {}; }

  Cost bound(const Question& question) const override {
    Cost cost;
    cost.input = kTokensPerRequest;
    for (const Json& message : question.messages) {
      cost.input += kTokensPerMessage + static_cast<Tokens>(content_bytes(message));
    }
    cost.output = question.max_tokens.value_or(kOutputTokensUnknown);
    cost.money = settings_.prices.most(cost.input, cost.output);
    return cost;
  }

  HttpRequest encode(const Question& question) const override {
    Json body = question.parameters.is_object() ? question.parameters : Json::object();
    body["model"] = settings_.model;
    body["messages"] = question.messages;
    if (question.max_tokens) body[settings_.max_tokens_name] = *question.max_tokens;
    if (question.choices > 1) body["n"] = question.choices;
    if (question.stream) body.update({{"stream", true}, {"stream_options", {{"include_usage", true}}}});
    HttpRequest request;
    request.url = settings_.base_url + "/chat/completions";
    request.headers = {{"content-type", "application/json"}, {"accept", "application/json"}};
    request.body = dump_json(body);
    return request;
  }

  HttpHeader credential_header(std::string_view key) const override {
    return {"authorization", "Bearer " + std::string(key)};
  }

  Reply decode(const HttpHead& head, std::string_view body) const override {
    const Result<Json> parsed = parse_reply_json(body);
    const std::optional<ProviderError> error = parsed ? provider_error(*parsed) : std::nullopt;
    if (head.status != 200) return reject_status(head, error, body);
    if (trimmed(body).empty()) return no_answer("empty_body", "status 200 with an empty body");
    if (!parsed) return no_answer("not_json", parsed.error().message);
    if (error) return reject_error(*error);
    const Json& choices = json_child(*parsed, "choices");
    if (!choices.is_array() || choices.empty()) return no_answer("no_choices", "the reply has no choices");
    Answer answer;
    answer.usage = usage_of(*parsed);
    for (const Json& choice : choices) {
      const Json& message = json_child(choice, "message");
      if (!message.is_object() || message.empty()) continue;
      Response response = read_message(message);
      response.provider_finish = json_text(choice, "finish_reason");
      response.finish = finish_of(response.provider_finish);
      if (!response.refusal.empty()) response.finish = Finish::refusal;
      response.served_model = json_text(*parsed, "model");
      response.system_fingerprint = json_text(*parsed, "system_fingerprint");
      response.provider_id = json_text(*parsed, "id");
      const bool says_nothing = response.text.empty() && response.refusal.empty() && response.tool_calls.is_null();
      if (says_nothing && response.finish != Finish::content_filter && response.finish != Finish::length) continue;
      answer.choices.push_back(std::move(response));
    }
    if (answer.choices.empty()) {
      const Json& message = json_child(choices.front(), "message");
      if (!message.is_object() || message.empty()) return no_answer("no_message", "the first choice has no message");
      return Rejection{Rejection::Kind::permanent, "null_content", "the reply has no content"};
    }
    if (answer.choices.size() == 1) answer.choices.front().usage = answer.usage;
    return answer;
  }

  Cost invoice(const Usage& usage, const Cost& bound, WallTime at) const override {
    Cost cost;
    cost.input = usage.input.value_or(bound.input);
    cost.output = usage.output.value_or(bound.output);
    cost.money = settings_.prices.of(cost.input, cost.output, usage.cached_input.value_or(0), at);
    return cost;
  }

  std::optional<HttpRequest> ask_models() const override {
    HttpRequest request;
    request.method = "GET";
    request.url = settings_.base_url + "/models";
    request.headers = {{"accept", "application/json"}};
    return request;
  }

  std::optional<ServerFacts> read_models(const HttpHead& head, std::string_view body) const override {
    if (head.status != 200) return {};
    const Result<Json> parsed = parse_reply_json(body);
    if (!parsed) return {};
    const Json& list = json_child(*parsed, "data");
    if (!list.is_array()) return {};
    ServerFacts facts;
    for (const Json& model : list) {
      const std::string name = json_text(model, "id");
      facts.models.push_back(name);
      if (name != settings_.model) continue;
      facts.has_model = true;
      // vLLM and SGLang say max_model_len, llama.cpp the context that it was started or trained with.
      facts.context_tokens = json_count(model, "max_model_len");
      const Json& more = json_child(model, "meta");
      if (!facts.context_tokens) facts.context_tokens = json_count(more, "n_ctx");
      if (!facts.context_tokens) facts.context_tokens = json_count(more, "n_ctx_train");
    }
    return facts;
  }

 private:
  static Response read_message(const Json& message) {
    Response response;
    response.text = content_of(message);
    // Older vLLM, DeepSeek, llama.cpp and SGLang say reasoning_content; newer vLLM, Ollama and OpenRouter reasoning.
    response.reasoning = json_text(message, "reasoning_content");
    if (response.reasoning.empty()) response.reasoning = json_text(message, "reasoning");
    response.refusal = json_text(message, "refusal");
    if (const Json& calls = json_child(message, "tool_calls"); !calls.empty()) response.tool_calls = calls;
    split_inline_reasoning(response);
    return response;
  }

  TeacherSettings settings_;
};

}  // namespace

std::unique_ptr<Teacher> make_openai_chat(TeacherSettings settings) {
  return std::make_unique<OpenAiChat>(std::move(settings));
}

}  // namespace retort
