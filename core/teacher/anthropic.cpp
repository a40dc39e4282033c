#include "core/teacher/anthropic.h"

#include "core/teacher/codec.h"
#include "core/teacher/shapes.h"

namespace retort {
namespace {

// The API wants a limit, and its oldest models take no larger one. Thinking is counted within it.
constexpr std::int64_t kMaxTokensDefault = 4096;

Finish finish_of(const std::string& word) {
  if (word == "end_turn" || word == "stop_sequence" || word.empty()) return Finish::stop;
  if (word == "max_tokens" || word == "model_context_window_exceeded") return Finish::length;
  if (word == "tool_use") return Finish::tool_calls;
  if (word == "refusal") return Finish::refusal;
  return Finish::other;
}

bool is_system(const Json& message) {
  const std::string role = json_text(message, "role");
  return role == "system" || role == "developer";
}

// Text and images as Anthropic's blocks; plain text stays plain.
Json content_of(const Json& message) {
  const Json& content = json_child(message, "content");
  if (!content.is_array()) return content_text(message);
  Json blocks = Json::array();
  for (const Json& part : content) {
    if (json_text(part, "type") != "image_url") {
      blocks.push_back(part);
      continue;
    }
    const std::string url = image_url(part);
    const auto data = image_data(url);
    blocks.push_back(
        {{"type", "image"},
         {"source", data ? Json{{"type", "base64"}, {"media_type", data->media_type}, {"data", data->base64}}
                         : Json{{"type", "url"}, {"url", url}}}});
  }
  return blocks;
}

Json as_blocks(Json content) {
  if (content.is_array()) return content;
  if (content == "") return Json::array();
  return Json::array({{{"type", "text"}, {"text", std::move(content)}}});
}

void add_message(const Json& message, Json& messages) {
  const std::string role = json_text(message, "role");
  if (role == "tool") {
    Json result = {
        {"type", "tool_result"}, {"tool_use_id", json_text(message, "tool_call_id")}, {"content", content_of(message)}};
    // Results of parallel calls belong into one turn.
    Json nothing;
    Json& before = messages.empty() ? nothing : messages.back()["content"];
    if (before.is_array() && !before.empty() && json_text(before.back(), "type") == "tool_result") {
      before.push_back(std::move(result));
    } else {
      messages.push_back({{"role", "user"}, {"content", Json::array({std::move(result)})}});
    }
    return;
  }
  Json content = content_of(message);
  const Json& calls = json_child(message, "tool_calls");
  if (calls.is_array() && !calls.empty()) {
    content = as_blocks(std::move(content));
    for (const Json& call : calls) {
      content.push_back({{"type", "tool_use"},
                         {"id", json_text(call, "id")},
                         {"name", json_text(json_child(call, "function"), "name")},
                         {"input", tool_arguments(call)}});
    }
  }
  messages.push_back({{"role", role}, {"content", std::move(content)}});
}

void translate_tools(Json& body) {
  if (Json tools = taken(body, "tools"); tools.is_array()) {
    for (Json& tool : tools) {
      const Json function = json_child(tool, "function");
      if (function.empty()) continue;  // one of Anthropic's own
      tool = {{"name", json_text(function, "name")}, {"input_schema", json_child(function, "parameters")}};
      if (function.contains("description")) tool["description"] = function["description"];
    }
    body["tools"] = std::move(tools);
  }
  const auto choice = body.find("tool_choice");
  if (choice == body.end()) return;
  if (choice->is_string()) {
    *choice = {{"type", *choice == "required" ? Json("any") : *choice}};
  } else if (const Json function = json_child(*choice, "function"); !function.empty()) {
    *choice = {{"type", "tool"}, {"name", json_text(function, "name")}};
  }
}

Usage usage_of(const Json& reply) {
  const Json& usage = json_child(reply, "usage");
  Usage result;
  result.cached_input = json_count(usage, "cache_read_input_tokens");
  result.cache_creation = json_count(usage, "cache_creation_input_tokens");
  // Theirs counts only what touched no cache.
  if (const auto rest = json_count(usage, "input_tokens"))
    result.input = saturated_sum({*rest, result.cached_input.value_or(0), result.cache_creation.value_or(0)});
  result.output = json_count(usage, "output_tokens");
  result.reasoning = json_count(json_child(usage, "output_tokens_details"), "thinking_tokens");
  return result;
}

class MessageFold final : public Fold {
 public:
  void take(const std::string& name, const Json& data) override {
    const std::string type = data.contains("type") ? json_text(data, "type") : name;
    if (type == "message_start") {
      whole_ = json_child(data, "message");
      if (!whole_.is_object()) whole_ = Json::object();
      whole_["content"] = Json::array();
    } else if (type == "content_block_start") {
      start_block(data);
    } else if (type == "content_block_delta") {
      if (Json* block = block_of(data)) add(*block, json_child(data, "delta"));
    } else if (type == "message_delta") {
      for (const auto& [key, value] : json_child(data, "delta").items()) whole_[key] = value;
      Json& usage = object_in(whole_, "usage");
      for (const auto& [key, value] : json_child(data, "usage").items()) {
        if (!value.is_null()) usage[key] = value;  // cumulative: the last one counts
      }
    } else if (type == "message_stop") {
      done_ = true;
    }
  }
  bool complete() const override { return done_; }

  Json whole() override {
    Json content = Json::array();
    for (Json& block : blocks_) {
      if (const auto partial = block.find("partial_json"); partial != block.end()) {
        const Result<Json> input = parse_json(partial->get_ref<const std::string&>());
        if (input) block["input"] = *input;
        block.erase("partial_json");
      }
      content.push_back(std::move(block));
    }
    whole_["content"] = std::move(content);
    return std::move(whole_);
  }

 private:
  void start_block(const Json& data) {
    constexpr std::size_t kBlocksMax = 1024;
    const auto index = json_count(data, "index").value_or(static_cast<std::int64_t>(blocks_.size()));
    if (index != static_cast<std::int64_t>(blocks_.size()) || blocks_.size() >= kBlocksMax) return;
    blocks_.push_back(json_child(data, "content_block"));
    if (!blocks_.back().is_object()) blocks_.back() = Json::object();
    blocks_.back().erase("partial_json");
  }

  Json* block_of(const Json& data) {
    const auto index = static_cast<std::size_t>(json_count(data, "index").value_or(0));
    return index < blocks_.size() ? &blocks_[index] : nullptr;
  }

  static void add(Json& block, const Json& delta) {
    for (const char* name : {"text", "thinking", "signature", "partial_json"})
      append_text(block, name, json_text(delta, name));
  }

  Json whole_ = Json::object();
  std::vector<Json> blocks_;
  bool done_ = false;
};

class Anthropic final : public Codec {
 public:
  explicit Anthropic(TeacherSettings settings)
      : Codec(std::move(settings),
              {.name = "anthropic",
               .unsayable = {"min_p", "seed", "presence_penalty", "frequency_penalty", "logprobs", "top_logprobs"},
               .choices_max = 1,
               .image_urls = true,
               .image_data = true,
               .credential = {"x-api-key", ""},
               .headers = {{"anthropic-version", "2023-06-01"}},
               .models_path = "/v1/models"}) {}

 protected:
  std::string url(const Question&) const override { return "/v1/messages"; }

  Json body(const Question& question) const override {
    Json body = question.parameters.is_object() ? question.parameters : Json::object();
    if (Json stop = taken(body, "stop"); !stop.is_null()) body["stop_sequences"] = as_list(std::move(stop));
    std::int64_t thinking = 0;
    if (const Json budget = taken(body, "reasoning_budget"); budget.is_number_integer()) {
      thinking = budget.get<std::int64_t>();
      body["thinking"] =
          thinking > 0 ? Json{{"type", "enabled"}, {"budget_tokens", thinking}} : Json{{"type", "disabled"}};
    }
    if (body.value("reasoning_effort", Json()) == "none") {
      body.erase("reasoning_effort");
      body["thinking"] = {{"type", "disabled"}};
    }
    rename(body, "reasoning_effort", "/output_config/effort");
    if (const Json format = taken(body, "response_format"); json_text(format, "type") == "json_schema")
      object_in(body, "output_config")["format"] = {{"type", "json_schema"}, {"schema", schema_of(format)}};
    translate_tools(body);

    Json system = Json::array(), messages = Json::array();
    for (const Json& message : question.messages.json()) {
      if (is_system(message))
        system.push_back({{"type", "text"}, {"text", content_text(message)}});
      else
        add_message(message, messages);
    }
    if (system.size() == 1) body["system"] = system[0]["text"];
    if (system.size() > 1) body["system"] = std::move(system);
    body["messages"] = std::move(messages);
    body["model"] = settings().model;
    body["max_tokens"] = question.max_tokens.value_or(kMaxTokensDefault + thinking);
    if (question.stream) body["stream"] = true;
    return body;
  }

  Result<void> accepts_more(const Json& parameters) const override {
    const std::string format = json_text(json_child(parameters, "response_format"), "type");
    if (!format.empty() && format != "json_schema" && format != "text")
      return fail(Errc::usage, "the dialect anthropic has no response_format '" + format + "': give a json_schema");
    return {};
  }

  Result<void> accepts_order(const Json& messages) const override {
    bool begun = false;
    for (const Json& message : messages) {
      if (is_system(message) && begun)
        return fail(Errc::usage, "the dialect anthropic takes system messages only at the beginning");
      begun = begun || !is_system(message);
    }
    if (!begun) return fail(Errc::usage, "the dialect anthropic wants a message beside the system's");
    return {};
  }

  Reply read(const Json& reply) const override {
    const Json& content = json_child(reply, "content");
    if (!content.is_array()) return no_answer("no_choices", "the reply has no content blocks");
    Response response;
    for (const Json& block : content) {
      const std::string type = json_text(block, "type");
      if (type == "text") response.text += json_text(block, "text");
      if (type == "thinking") response.reasoning += json_text(block, "thinking");
      if (type != "tool_use") continue;
      if (response.tool_calls.is_null()) response.tool_calls = Json::array();
      response.tool_calls.push_back(
          tool_call(json_text(block, "id"), json_text(block, "name"), json_child(block, "input")));
    }
    response.provider_finish = json_text(reply, "stop_reason");
    response.finish = finish_of(response.provider_finish);
    if (response.finish == Finish::refusal)
      response.refusal = json_text(json_child(reply, "stop_details"), "explanation");
    response.served_model = json_text(reply, "model");
    response.provider_id = json_text(reply, "id");
    return Answer{{std::move(response)}, usage_of(reply)};
  }

  std::unique_ptr<Fold> fold() const override { return std::make_unique<MessageFold>(); }
};

}  // namespace

std::unique_ptr<Teacher> make_anthropic(TeacherSettings settings) {
  return std::make_unique<Anthropic>(std::move(settings));
}

}  // namespace retort
