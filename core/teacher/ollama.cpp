#include "core/teacher/ollama.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "core/teacher/codec.h"
#include "core/teacher/shapes.h"

namespace retort {
namespace {

// What Ollama wants within `options`; everything else stays beside it (keep_alive, think, …).
constexpr std::array<std::string_view, 28> kOptions = {"temperature",
                                                       "top_p",
                                                       "top_k",
                                                       "min_p",
                                                       "seed",
                                                       "stop",
                                                       "num_ctx",
                                                       "num_batch",
                                                       "num_gpu",
                                                       "main_gpu",
                                                       "num_thread",
                                                       "num_keep",
                                                       "num_predict",
                                                       "tfs_z",
                                                       "typical_p",
                                                       "repeat_last_n",
                                                       "repeat_penalty",
                                                       "presence_penalty",
                                                       "mirostat",
                                                       "mirostat_tau",
                                                       "mirostat_eta",
                                                       "penalize_newline",
                                                       "frequency_penalty",
                                                       "numa",
                                                       "low_vram",
                                                       "use_mmap",
                                                       "use_mlock",
                                                       "vocab_only"};

Finish finish_of(const std::string& word) {
  if (word == "stop" || word.empty()) return Finish::stop;
  if (word == "length") return Finish::length;
  return Finish::other;
}

Json message_of(const Json& message) {
  Json result = {{"role", json_text(message, "role")}, {"content", content_text(message)}};
  if (result["role"] == "developer") result["role"] = "system";
  const Json& content = json_child(message, "content");
  for (std::size_t i = 0; content.is_array() && i < content.size(); ++i) {
    const auto data = image_data(image_url(content[i]));
    if (!data) continue;
    Json& images = result["images"];
    if (!images.is_array()) images = Json::array();
    images.push_back(data->base64);
  }
  const Json& calls = json_child(message, "tool_calls");
  for (std::size_t i = 0; calls.is_array() && i < calls.size(); ++i) {
    Json& list = result["tool_calls"];
    if (!list.is_array()) list = Json::array();
    const std::string name = json_text(json_child(calls[i], "function"), "name");
    list.push_back({{"function", {{"name", name}, {"arguments", tool_arguments(calls[i])}}}});
  }
  if (std::string name = json_text(message, "name"); result["role"] == "tool" && !name.empty())
    result["tool_name"] = std::move(name);
  return result;
}

class LineFold final : public Fold {
 public:
  void take(const std::string&, const Json& line) override {
    const Json& piece = json_child(line, "message");
    append_text(message_, "content", json_text(piece, "content"));
    append_text(message_, "thinking", json_text(piece, "thinking"));
    append_items(message_, "tool_calls", json_child(piece, "tool_calls"));
    append_items(logprobs_, "all", json_child(line, "logprobs"));
    if (!line.is_object()) return;
    for (const auto& [key, value] : line.items()) {
      if (key != "message" && key != "logprobs") whole_[key] = value;
    }
    const auto done = line.find("done");
    done_ = done_ || (done != line.end() && *done == true);
  }
  bool complete() const override { return done_; }
  Json whole() override {
    if (!message_.empty()) message_["role"] = "assistant";
    whole_["message"] = std::move(message_);
    whole_["logprobs"] = json_child(logprobs_, "all");
    return std::move(whole_);
  }

 private:
  Json whole_ = Json::object(), message_ = Json::object(), logprobs_ = Json::object();
  bool done_ = false;
};

class Ollama final : public Codec {
 public:
  explicit Ollama(TeacherSettings settings)
      : Codec(std::move(settings), {.name = "ollama",
                                    .unsayable = {"reasoning_budget", "tool_choice"},
                                    .choices_max = 1,
                                    .image_data = true,
                                    .credential = {"authorization", "Bearer "},
                                    .models_path = "/api/tags"}) {}

 protected:
  std::string url(const Question&) const override { return "/api/chat"; }
  bool streams_lines() const override { return true; }

  Json body(const Question& question) const override {
    Json body = question.parameters.is_object() ? question.parameters : Json::object();
    Json options = taken(body, "options");
    if (!options.is_object()) options = Json::object();
    for (const std::string_view name : kOptions) {
      if (Json value = taken(body, name.data()); !value.is_null()) options[std::string(name)] = std::move(value);
    }
    if (options.contains("stop")) options["stop"] = as_list(options["stop"]);
    if (question.max_tokens) options["num_predict"] = *question.max_tokens;
    if (!options.empty()) body["options"] = std::move(options);
    if (Json effort = taken(body, "reasoning_effort"); !effort.is_null())
      body["think"] = effort == "none" ? Json(false) : std::move(effort);
    if (const Json format = taken(body, "response_format"); !format.is_null()) {
      const std::string type = json_text(format, "type");
      if (type == "json_object") body["format"] = "json";
      if (type == "json_schema") body["format"] = schema_of(format);
    }
    body["model"] = settings().model;
    body["messages"] = Json::array();
    for (const Json& message : question.messages.json()) body["messages"].push_back(message_of(message));
    body["stream"] = question.stream;  // streaming is what it does if nobody says otherwise
    return body;
  }

  Reply read(const Json& reply) const override {
    const Json& message = json_child(reply, "message");
    if (!message.is_object() || message.empty()) return no_answer("no_message", "the reply has no message");
    Response response;
    response.text = content_text(message);
    response.reasoning = json_text(message, "thinking");
    const Json& calls = json_child(message, "tool_calls");
    for (std::size_t i = 0; calls.is_array() && i < calls.size(); ++i) {
      if (response.tool_calls.is_null()) response.tool_calls = Json::array();
      const Json& function = json_child(calls[i], "function");
      response.tool_calls.push_back(
          tool_call(json_text(calls[i], "id"), json_text(function, "name"), json_child(function, "arguments")));
    }
    response.provider_finish = json_text(reply, "done_reason");
    response.finish = finish_of(response.provider_finish);
    if (response.finish == Finish::stop && !response.tool_calls.is_null()) response.finish = Finish::tool_calls;
    response.served_model = json_text(reply, "model");
    response.logprobs = read_logprobs(json_child(reply, "logprobs"));
    Usage usage;
    usage.input = json_count(reply, "prompt_eval_count");
    usage.output = json_count(reply, "eval_count");
    return Answer{{std::move(response)}, usage};
  }

  std::unique_ptr<Fold> fold() const override { return std::make_unique<LineFold>(); }
};

}  // namespace

std::unique_ptr<Teacher> make_ollama(TeacherSettings settings) { return std::make_unique<Ollama>(std::move(settings)); }

}  // namespace retort
