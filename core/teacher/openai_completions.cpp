#include "core/teacher/openai_completions.h"

#include <map>

#include "core/teacher/codec.h"
#include "core/teacher/shapes.h"

namespace retort {
namespace {

// A base model knows text, not roles: the contents one after the other, with a blank line between two messages; a last
// message of the assistant is the beginning of the answer and follows at once.
std::string prompt_of(const Json& messages) {
  std::string prompt;
  for (std::size_t i = 0; i < messages.size(); ++i) {
    const bool begins_answer = i + 1 == messages.size() && json_text(messages[i], "role") == "assistant";
    if (i > 0 && !begins_answer) prompt += "\n\n";
    prompt += content_text(messages[i]);
  }
  return prompt;
}

Finish finish_of(const std::string& word) {
  if (word == "stop" || word.empty() || word == "eos") return Finish::stop;
  if (word == "length") return Finish::length;
  if (word == "content_filter") return Finish::content_filter;
  return word == "error" ? Finish::error : Finish::other;
}

class TextFold final : public Fold {
 public:
  void take(const std::string&, const Json& chunk) override {
    for (const char* name : {"id", "model", "system_fingerprint", "usage"}) {
      if (chunk.contains(name) && !chunk[name].is_null()) whole_[name] = chunk[name];
    }
    const Json& choices = json_child(chunk, "choices");
    for (std::size_t i = 0; choices.is_array() && i < choices.size(); ++i) take_choice(choices[i]);
  }
  void marked_done() override { done_ = true; }
  bool complete() const override { return done_ || finished_ > 0; }

  Json whole() override {
    Json list = Json::array();
    for (auto& [index, choice] : choices_) {
      // Of several answers, those that were cut are left out: they are asked for again.
      if (done_ || finished_ == 0 || choice.contains("finish_reason")) list.push_back(std::move(choice));
    }
    whole_["choices"] = std::move(list);
    return std::move(whole_);
  }

 private:
  void take_choice(const Json& piece) {
    const std::int64_t index = json_count(piece, "index").value_or(0);
    Json& choice = choices_[index];
    if (!choice.is_object()) choice = {{"index", index}, {"text", ""}};
    append_text(choice, "text", json_text(piece, "text"));
    const Json& logprobs = json_child(piece, "logprobs");
    for (const char* name : {"tokens", "token_logprobs", "top_logprobs", "content"})
      append_items(object_in(choice, "logprobs"), name, json_child(logprobs, name));
    if (std::string finish = json_text(piece, "finish_reason"); !finish.empty()) {
      if (!choice.contains("finish_reason")) ++finished_;
      choice["finish_reason"] = std::move(finish);
    }
  }

  Json whole_ = Json::object();
  std::map<std::int64_t, Json> choices_;
  int finished_ = 0;
  bool done_ = false;
};

class OpenAiCompletions final : public Codec {
 public:
  explicit OpenAiCompletions(TeacherSettings settings)
      : Codec(std::move(settings), {.name = "openai-completions",
                                    .unsayable = {"reasoning_effort", "reasoning_budget", "tools", "tool_choice"},
                                    .choices_max = 128,
                                    .inline_reasoning = false,
                                    .credential = {"authorization", "Bearer "}}) {}

 protected:
  std::string url(const Question&) const override { return "/completions"; }

  Json body(const Question& question) const override {
    Json body = question.parameters.is_object() ? question.parameters : Json::object();
    // Here logprobs is how many alternatives are wanted.
    const Json top = taken(body, "top_logprobs");
    if (!top.is_null() && !body.contains("logprobs")) body["logprobs"] = true;
    if (const auto wanted = body.find("logprobs"); wanted != body.end() && wanted->is_boolean()) {
      if (*wanted == true)
        *wanted = top.is_null() ? Json(0) : top;
      else
        body.erase(wanted);
    }
    body["model"] = settings().model;
    body["prompt"] = prompt_of(question.messages.json());
    if (question.max_tokens) body["max_tokens"] = *question.max_tokens;
    if (question.choices > 1) body["n"] = question.choices;
    if (question.stream) body["stream"] = true;
    if (question.stream && settings().asks_stream_usage) body["stream_options"] = {{"include_usage", true}};
    return body;
  }

  Result<void> accepts_order(const Json& messages) const override {
    for (const Json& message : messages) {
      if (json_text(message, "role") == "tool" || message.contains("tool_calls"))
        return fail(Errc::usage, "the dialect openai-completions has no tools");
    }
    return {};
  }

  Reply read(const Json& reply) const override {
    const Json& choices = json_child(reply, "choices");
    if (!choices.is_array() || choices.empty()) return no_answer("no_choices", "the reply has no choices");
    std::multimap<std::int64_t, Response> by_index;
    for (const Json& choice : choices) {
      if (!choice.is_object() || !choice.contains("text")) continue;
      Response response;
      response.text = json_text(choice, "text");
      response.provider_finish = json_text(choice, "finish_reason");
      response.finish = finish_of(response.provider_finish);
      response.logprobs = read_logprobs(json_child(choice, "logprobs"));
      response.served_model = json_text(reply, "model");
      response.system_fingerprint = json_text(reply, "system_fingerprint");
      response.provider_id = json_text(reply, "id");
      by_index.emplace(json_count(choice, "index").value_or(0), std::move(response));
    }
    if (by_index.empty()) return no_answer("no_message", "no choice has a text");
    Answer answer;
    const Json& usage = json_child(reply, "usage");
    answer.usage.input = json_count(usage, "prompt_tokens");
    answer.usage.output = json_count(usage, "completion_tokens");
    answer.usage.cached_input = json_count(json_child(usage, "prompt_tokens_details"), "cached_tokens");
    for (auto& [index, response] : by_index) answer.choices.push_back(std::move(response));
    return answer;
  }

  std::unique_ptr<Fold> fold() const override { return std::make_unique<TextFold>(); }
};

}  // namespace

std::unique_ptr<Teacher> make_openai_completions(TeacherSettings settings) {
  return std::make_unique<OpenAiCompletions>(std::move(settings));
}

}  // namespace retort
