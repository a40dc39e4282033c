#include "core/teacher/openai_responses.h"

#include "core/teacher/codec.h"
#include "core/teacher/shapes.h"

namespace retort {
namespace {

Json content_of(const Json& message, const char* text_type) {
  const Json& content = json_child(message, "content");
  if (!content.is_array()) return content_text(message);
  Json parts = Json::array();
  for (const Json& part : content) {
    if (json_text(part, "type") == "image_url")
      parts.push_back({{"type", "input_image"}, {"image_url", image_url(part)}});
    else
      parts.push_back({{"type", text_type}, {"text", json_text(part, "text")}});
  }
  return parts;
}

void add_message(const Json& message, Json& input) {
  const std::string role = json_text(message, "role");
  if (role == "tool") {
    input.push_back({{"type", "function_call_output"},
                     {"call_id", json_text(message, "tool_call_id")},
                     {"output", content_text(message)}});
    return;
  }
  Json content = content_of(message, role == "assistant" ? "output_text" : "input_text");
  const Json& calls = json_child(message, "tool_calls");
  if (content != "" || !calls.is_array()) input.push_back({{"role", role}, {"content", std::move(content)}});
  for (std::size_t i = 0; calls.is_array() && i < calls.size(); ++i) {
    const Json& function = json_child(calls[i], "function");
    input.push_back({{"type", "function_call"},
                     {"call_id", json_text(calls[i], "id")},
                     {"name", json_text(function, "name")},
                     {"arguments", json_text(function, "arguments")}});
  }
}

// {type: "function", function: {…}} lies flat here, and so does the choice of one, and a JSON schema.
void flatten(Json& object, const char* key) {
  Json inner = taken(object, key);
  if (!inner.is_object()) return;
  for (auto& [name, value] : inner.items()) object[name] = std::move(value);
}

void translate(Json& body) {
  if (const auto tools = body.find("tools"); tools != body.end() && tools->is_array()) {
    for (Json& tool : *tools) {
      if (tool.is_object()) flatten(tool, "function");
    }
  }
  if (const auto choice = body.find("tool_choice"); choice != body.end() && choice->is_object())
    flatten(*choice, "function");
  if (Json format = taken(body, "response_format"); format.is_object()) {
    flatten(format, "json_schema");
    object_in(body, "text")["format"] = std::move(format);
  }
  rename(body, "reasoning_effort", "/reasoning/effort");
  if (taken(body, "logprobs") == true) {
    Json& include = body["include"];
    if (!include.is_array()) include = Json::array();
    include.push_back("message.output_text.logprobs");
  }
}

Usage usage_of(const Json& reply) {
  const Json& usage = json_child(reply, "usage");
  const Json& input = json_child(usage, "input_tokens_details");
  Usage result;
  result.input = json_count(usage, "input_tokens");
  result.output = json_count(usage, "output_tokens");
  result.cached_input = json_count(input, "cached_tokens");
  result.cache_creation = json_count(input, "cache_write_tokens");
  result.reasoning = json_count(json_child(usage, "output_tokens_details"), "reasoning_tokens");
  return result;
}

void read_reasoning(const Json& item, Response& response) {
  // The full thought where an open model gives it, else the summary.
  std::string thought;
  for (const char* name : {"content", "summary"}) {
    const Json& parts = json_child(item, name);
    if (!parts.is_array() || !thought.empty()) continue;
    for (std::size_t i = 0; i < parts.size(); ++i) thought += (i == 0 ? "" : "\n\n") + json_text(parts[i], "text");
  }
  if (!response.reasoning.empty() && !thought.empty()) response.reasoning += "\n\n";
  response.reasoning += thought;
}

void read_message(const Json& item, Response& response) {
  const Json& parts = json_child(item, "content");
  for (std::size_t i = 0; parts.is_array() && i < parts.size(); ++i) {
    response.refusal += json_text(parts[i], "refusal");
    if (json_text(parts[i], "type") != "output_text") continue;
    response.text += json_text(parts[i], "text");
    std::vector<TokenLogprob> tokens = read_logprobs(json_child(parts[i], "logprobs"));
    response.logprobs.insert(response.logprobs.end(), std::make_move_iterator(tokens.begin()),
                             std::make_move_iterator(tokens.end()));
  }
}

class ResponseFold final : public Fold {
 public:
  void take(const std::string& name, const Json& data) override {
    const std::string type = data.contains("type") ? json_text(data, "type") : name;
    if (const Json& response = json_child(data, "response"); response.is_object() && !response.empty()) {
      whole_ = response;
      done_ = done_ || type == "response.completed" || type == "response.incomplete" || type == "response.failed";
      return;
    }
    constexpr std::int64_t kItemsMax = 1024;
    const std::int64_t index = json_count(data, "output_index").value_or(kItemsMax);
    if (index >= kItemsMax) return;
    while (static_cast<std::int64_t>(items_.size()) <= index) items_.push_back(Json::object());
    Json& item = items_[static_cast<std::size_t>(index)];
    if (type == "response.output_item.added" || type == "response.output_item.done") item = json_child(data, "item");
    if (type == "response.output_text.delta") add(item, "content", "output_text", "text", data);
    if (type == "response.refusal.delta") add(item, "content", "refusal", "refusal", data);
    if (type == "response.reasoning_text.delta") add(item, "content", "reasoning_text", "text", data);
    if (type == "response.reasoning_summary_text.delta") add(item, "summary", "summary_text", "text", data);
  }
  bool complete() const override { return done_; }

  // The last event holds everything. Without it, what the deltas gave.
  Json whole() override {
    if (!done_ && !items_.empty()) whole_["output"] = std::move(items_);
    return std::move(whole_);
  }

 private:
  static void add(Json& item, const char* list, const char* type, const char* field, const Json& data) {
    if (!item.is_object()) item = Json::object();
    Json& parts = item[list];
    if (!parts.is_array()) parts = Json::array();
    constexpr std::int64_t kPartsMax = 1024;
    const char* place = list == std::string_view("summary") ? "summary_index" : "content_index";
    const std::int64_t index = json_count(data, place).value_or(0);
    if (index >= kPartsMax) return;
    while (static_cast<std::int64_t>(parts.size()) <= index) parts.push_back({{"type", type}, {field, ""}});
    Json& part = parts[static_cast<std::size_t>(index)];
    if (!part.is_object()) part = {{"type", type}};
    append_text(part, field, json_text(data, "delta"));
    append_items(part, "logprobs", json_child(data, "logprobs"));
  }

  Json whole_ = Json::object(), items_ = Json::array();
  bool done_ = false;
};

class OpenAiResponses final : public Codec {
 public:
  explicit OpenAiResponses(TeacherSettings settings)
      : Codec(std::move(settings), {.name = "openai-responses",
                                    .unsayable = {"seed", "stop", "presence_penalty", "frequency_penalty", "top_k",
                                                  "min_p", "reasoning_budget"},
                                    .choices_max = 1,
                                    .image_urls = true,
                                    .image_data = true,
                                    .credential = {"authorization", "Bearer "}}) {}

 protected:
  std::string url(const Question&) const override { return "/responses"; }

  Json body(const Question& question) const override {
    Json body = question.parameters.is_object() ? question.parameters : Json::object();
    translate(body);
    Json input = Json::array();
    for (const Json& message : question.messages.json()) add_message(message, input);
    body["input"] = std::move(input);
    body["model"] = settings().model;
    if (question.max_tokens) body["max_output_tokens"] = *question.max_tokens;
    if (question.stream) body["stream"] = true;
    return body;
  }

  Reply read(const Json& reply) const override {
    const Json& output = json_child(reply, "output");
    if (!output.is_array()) return no_answer("no_choices", "the reply has no output");
    Response response;
    for (const Json& item : output) {
      const std::string type = json_text(item, "type");
      if (type == "reasoning") read_reasoning(item, response);
      if (type == "message") read_message(item, response);
      if (type != "function_call") continue;
      if (response.tool_calls.is_null()) response.tool_calls = Json::array();
      response.tool_calls.push_back(
          tool_call(json_text(item, "call_id"), json_text(item, "name"), json_text(item, "arguments")));
    }
    read_finish(reply, response);
    response.served_model = json_text(reply, "model");
    response.provider_id = json_text(reply, "id");
    return Answer{{std::move(response)}, usage_of(reply)};
  }

  std::unique_ptr<Fold> fold() const override { return std::make_unique<ResponseFold>(); }

 private:
  static void read_finish(const Json& reply, Response& response) {
    const std::string reason = json_text(json_child(reply, "incomplete_details"), "reason");
    response.provider_finish = reason.empty() ? json_text(reply, "status") : reason;
    if (!response.refusal.empty()) {
      response.finish = Finish::refusal;
    } else if (reason == "max_output_tokens") {
      response.finish = Finish::length;
    } else if (reason == "content_filter") {
      response.finish = Finish::content_filter;
    } else if (!reason.empty()) {
      response.finish = Finish::other;
    } else {
      response.finish = response.tool_calls.is_null() ? Finish::stop : Finish::tool_calls;
    }
  }
};

}  // namespace

std::unique_ptr<Teacher> make_openai_responses(TeacherSettings settings) {
  return std::make_unique<OpenAiResponses>(std::move(settings));
}

}  // namespace retort
