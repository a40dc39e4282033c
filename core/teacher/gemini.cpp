#include "core/teacher/gemini.h"

#include <algorithm>
#include <array>
#include <map>

#include "core/base/text.h"
#include "core/teacher/codec.h"
#include "core/teacher/shapes.h"

namespace retort {
namespace {

Finish finish_of(const std::string& word) {
  constexpr std::array<std::string_view, 9> kFiltered = {
      "SAFETY",   "RECITATION", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "IMAGE_SAFETY", "IMAGE_PROHIBITED_CONTENT",
      "LANGUAGE", "MODEL_ARMOR"};
  if (word == "STOP" || word.empty()) return Finish::stop;
  if (word == "MAX_TOKENS") return Finish::length;
  if (std::find(kFiltered.begin(), kFiltered.end(), word) != kFiltered.end()) return Finish::content_filter;
  return Finish::other;
}

bool is_system(const Json& message) {
  const std::string role = json_text(message, "role");
  return role == "system" || role == "developer";
}

// What the ending of an address says that it leads to; empty if it says nothing.
std::string media_type_named(const std::string& url) {
  const std::string path = lower_ascii(url.substr(0, url.find_first_of("?#")));
  const std::size_t dot = path.rfind('.');
  const std::string ending = dot == std::string::npos ? "" : path.substr(dot + 1);
  if (ending == "jpg") return "image/jpeg";
  for (const char* one : {"png", "jpeg", "gif", "webp", "heic", "heif"}) {
    if (ending == one) return std::string("image/") + one;
  }
  return {};
}

Json parts_of(const Json& message) {
  const Json& content = json_child(message, "content");
  Json parts = Json::array();
  if (!content.is_array()) {
    if (std::string text = content_text(message); !text.empty()) parts.push_back({{"text", std::move(text)}});
    return parts;
  }
  for (const Json& part : content) {
    if (json_text(part, "type") != "image_url") {
      parts.push_back({{"text", json_text(part, "text")}});
    } else if (const auto data = image_data(image_url(part))) {
      parts.push_back({{"inlineData", {{"mimeType", data->media_type}, {"data", data->base64}}}});
    } else {
      Json file = {{"fileUri", image_url(part)}};
      if (std::string type = media_type_named(image_url(part)); !type.empty()) file["mimeType"] = std::move(type);
      parts.push_back({{"fileData", std::move(file)}});
    }
  }
  return parts;
}

// Their tools know a call by its function's name; OpenAI's results only by the id of the call.
using CallNames = std::map<std::string, std::string>;

Json result_part(const Json& message, const CallNames& names) {
  const std::string id = json_text(message, "tool_call_id");
  const auto known = names.find(id);
  const std::string name = known != names.end() ? known->second : json_text(message, "name");
  const Result<Json> value = parse_json(content_text(message));
  Json response = value && value->is_object() ? *value : Json{{"result", content_text(message)}};
  return {{"functionResponse", {{"name", name}, {"response", std::move(response)}}}};
}

Json contents_of(const Json& messages) {
  Json contents = Json::array();
  CallNames names;
  for (const Json& message : messages) {
    if (is_system(message)) continue;
    const std::string role = json_text(message, "role");
    Json parts = role == "tool" ? Json::array({result_part(message, names)}) : parts_of(message);
    const Json& calls = json_child(message, "tool_calls");
    for (std::size_t i = 0; calls.is_array() && i < calls.size(); ++i) {
      const std::string name = json_text(json_child(calls[i], "function"), "name");
      names[json_text(calls[i], "id")] = name;
      parts.push_back({{"functionCall", {{"name", name}, {"args", tool_arguments(calls[i])}}}});
    }
    const char* theirs = role == "assistant" ? "model" : "user";
    // Results of parallel calls belong into one turn.
    Json nothing;
    Json& before = contents.empty() ? nothing : contents.back()["parts"];
    if (role == "tool" && !before.empty() && before.back().contains("functionResponse")) {
      before.push_back(std::move(parts[0]));
    } else {
      contents.push_back({{"role", theirs}, {"parts", std::move(parts)}});
    }
  }
  return contents;
}

void translate_tools(Json& body) {
  if (Json tools = taken(body, "tools"); tools.is_array()) {
    Json declarations = Json::array(), result = Json::array();
    for (Json& tool : tools) {
      Json function = json_child(tool, "function");
      if (function.empty()) {
        result.push_back(std::move(tool));  // one of Google's own
        continue;
      }
      Json declaration = {{"name", json_text(function, "name")}};
      if (function.contains("description")) declaration["description"] = function["description"];
      if (function.contains("parameters")) declaration["parametersJsonSchema"] = function["parameters"];
      declarations.push_back(std::move(declaration));
    }
    if (!declarations.empty()) result.push_back({{"functionDeclarations", std::move(declarations)}});
    body["tools"] = std::move(result);
  }
  const Json choice = taken(body, "tool_choice");
  if (choice.is_null()) return;
  Json config = {{"mode", choice == "required" ? "ANY" : choice == "none" ? "NONE" : "AUTO"}};
  if (const Json& function = json_child(choice, "function"); !function.empty())
    config = {{"mode", "ANY"}, {"allowedFunctionNames", {json_text(function, "name")}}};
  object_in(body, "toolConfig")["functionCallingConfig"] = std::move(config);
}

Json generation_config(Json& body) {
  Json& config = object_in(body, "generationConfig");
  constexpr std::pair<const char*, const char*> kNames[] = {{"temperature", "temperature"},
                                                            {"top_p", "topP"},
                                                            {"top_k", "topK"},
                                                            {"seed", "seed"},
                                                            {"presence_penalty", "presencePenalty"},
                                                            {"frequency_penalty", "frequencyPenalty"},
                                                            {"logprobs", "responseLogprobs"},
                                                            {"top_logprobs", "logprobs"}};
  for (const auto& [ours, theirs] : kNames) {
    if (Json value = taken(body, ours); !value.is_null()) config[theirs] = std::move(value);
  }
  if (Json stop = taken(body, "stop"); !stop.is_null()) config["stopSequences"] = as_list(std::move(stop));
  if (Json budget = taken(body, "reasoning_budget"); !budget.is_null()) {
    Json& thinking = object_in(config, "thinkingConfig");
    thinking["thinkingBudget"] = budget;
    if (budget != 0) thinking["includeThoughts"] = true;
  }
  if (Json effort = taken(body, "reasoning_effort"); effort == "none") {
    object_in(config, "thinkingConfig")["thinkingBudget"] = 0;
  } else if (!effort.is_null()) {
    Json& thinking = object_in(config, "thinkingConfig");
    thinking["thinkingLevel"] = std::move(effort);
    thinking["includeThoughts"] = true;
  }
  if (const Json format = taken(body, "response_format"); !format.is_null()) {
    const std::string type = json_text(format, "type");
    if (type == "json_object" || type == "json_schema") config["responseMimeType"] = "application/json";
    if (type == "json_schema") config["responseJsonSchema"] = schema_of(format);
  }
  return std::move(config);
}

Usage usage_of(const Json& reply) {
  const Json& usage = json_child(reply, "usageMetadata");
  Usage result;
  // What tools of Google's own read counts as input and is not in promptTokenCount.
  if (const auto prompt = json_count(usage, "promptTokenCount"))
    result.input = saturated_sum({*prompt, json_count(usage, "toolUsePromptTokenCount").value_or(0)});
  result.cached_input = json_count(usage, "cachedContentTokenCount");
  result.reasoning = json_count(usage, "thoughtsTokenCount");
  const auto written = json_count(usage, "candidatesTokenCount");
  if (written || result.reasoning) result.output = saturated_sum({written.value_or(0), result.reasoning.value_or(0)});
  return result;
}

std::vector<TokenLogprob> logprobs_of(const Json& candidate) {
  const Json& given = json_child(candidate, "logprobsResult");
  const Json& chosen = json_child(given, "chosenCandidates");
  const Json& tops = json_child(given, "topCandidates");
  std::vector<TokenLogprob> result;
  for (std::size_t i = 0; chosen.is_array() && i < chosen.size(); ++i) {
    Json token = chosen[i];
    if (!token.is_object()) token = Json::object();
    if (tops.is_array() && i < tops.size()) token["top_logprobs"] = json_child(tops[i], "candidates");
    result.push_back(read_token(token));
  }
  return result;
}

Response read_candidate(const Json& candidate) {
  Response response;
  const Json& parts = json_child(json_child(candidate, "content"), "parts");
  for (std::size_t i = 0; parts.is_array() && i < parts.size(); ++i) {
    const Json& part = parts[i];
    const auto thought = part.is_object() ? part.find("thought") : part.end();
    const bool is_thought = part.is_object() && thought != part.end() && *thought == true;
    (is_thought ? response.reasoning : response.text) += json_text(part, "text");
    const Json& call = json_child(part, "functionCall");
    if (call.empty()) continue;
    if (response.tool_calls.is_null()) response.tool_calls = Json::array();
    response.tool_calls.push_back(tool_call(json_text(call, "id"), json_text(call, "name"), json_child(call, "args")));
  }
  response.provider_finish = json_text(candidate, "finishReason");
  response.finish = finish_of(response.provider_finish);
  if (response.finish == Finish::stop && !response.tool_calls.is_null()) response.finish = Finish::tool_calls;
  if (response.finish != Finish::stop) response.refusal = json_text(candidate, "finishMessage");
  response.logprobs = logprobs_of(candidate);
  return response;
}

class GeminiFold final : public Fold {
 public:
  void take(const std::string&, const Json& chunk) override {
    for (const char* name : {"usageMetadata", "modelVersion", "responseId", "promptFeedback"}) {
      if (chunk.contains(name)) whole_[name] = chunk[name];
    }
    const Json& candidates = json_child(chunk, "candidates");
    for (std::size_t i = 0; candidates.is_array() && i < candidates.size(); ++i) take_candidate(candidates[i]);
  }
  bool complete() const override {
    if (candidates_.empty()) return whole_.contains("promptFeedback");
    return std::any_of(candidates_.begin(), candidates_.end(),
                       [](const auto& entry) { return entry.second.contains("finishReason"); });
  }

  Json whole() override {
    const bool some_finished = complete();
    Json list = Json::array();
    for (auto& [index, candidate] : candidates_) {
      // Of several answers, those that were cut are left out: they are asked for again.
      if (!some_finished || candidate.contains("finishReason")) list.push_back(std::move(candidate));
    }
    whole_["candidates"] = std::move(list);
    return std::move(whole_);
  }

 private:
  void take_candidate(const Json& piece) {
    const std::int64_t index = json_count(piece, "index").value_or(0);
    Json& candidate = candidates_[index];
    if (!candidate.is_object()) candidate = {{"index", index}, {"content", {{"parts", Json::array()}}}};
    const Json& parts = json_child(json_child(piece, "content"), "parts");
    Json& all = candidate["content"]["parts"];
    if (parts.is_array()) all.insert(all.end(), parts.begin(), parts.end());
    for (const char* name : {"finishReason", "finishMessage"}) {
      if (std::string text = json_text(piece, name); !text.empty()) candidate[name] = std::move(text);
    }
    const Json& logprobs = json_child(piece, "logprobsResult");
    for (const char* name : {"chosenCandidates", "topCandidates"})
      append_items(object_in(candidate, "logprobsResult"), name, json_child(logprobs, name));
  }

  Json whole_ = Json::object();
  std::map<std::int64_t, Json> candidates_;
};

class Gemini final : public Codec {
 public:
  explicit Gemini(TeacherSettings settings)
      : Codec(std::move(settings), {.name = "gemini",
                                    .unsayable = {"min_p"},
                                    .choices_max = 8,
                                    .image_urls = true,
                                    .image_data = true,
                                    .credential = {"x-goog-api-key", ""}}) {}

 protected:
  std::string url(const Question& question) const override {
    const std::string folder = settings().model.find('/') == std::string::npos ? "/models/" : "/";
    return folder + settings().model + (question.stream ? ":streamGenerateContent?alt=sse" : ":generateContent");
  }

  Json body(const Question& question) const override {
    Json body = question.parameters.is_object() ? question.parameters : Json::object();
    Json config = generation_config(body);
    if (question.max_tokens) config["maxOutputTokens"] = *question.max_tokens;
    if (question.choices > 1) config["candidateCount"] = question.choices;
    body.erase("generationConfig");
    if (!config.empty()) body["generationConfig"] = std::move(config);
    translate_tools(body);
    Json system = Json::array();
    for (const Json& message : question.messages.json()) {
      if (is_system(message)) system.push_back({{"text", content_text(message)}});
    }
    if (!system.empty()) body["systemInstruction"] = {{"parts", std::move(system)}};
    body["contents"] = contents_of(question.messages.json());
    return body;
  }

  Result<void> accepts_order(const Json& messages) const override {
    bool begun = false;
    for (const Json& message : messages) {
      if (is_system(message) && begun)
        return fail(Errc::usage, "the dialect gemini takes system messages only at the beginning");
      begun = begun || !is_system(message);
    }
    if (!begun) return fail(Errc::usage, "the dialect gemini wants a message beside the system's");
    return {};
  }

  Reply read(const Json& reply) const override {
    Answer answer;
    answer.usage = usage_of(reply);
    std::multimap<std::int64_t, Response> by_index;
    const Json& candidates = json_child(reply, "candidates");
    for (std::size_t i = 0; candidates.is_array() && i < candidates.size(); ++i) {
      const auto index = json_count(candidates[i], "index").value_or(static_cast<std::int64_t>(i));
      by_index.emplace(index, read_candidate(candidates[i]));
    }
    const Json& feedback = json_child(reply, "promptFeedback");
    if (by_index.empty() && !json_text(feedback, "blockReason").empty()) {
      // The prompt itself was turned down: that is the answer.
      Response blocked;
      blocked.finish = Finish::content_filter;
      blocked.provider_finish = json_text(feedback, "blockReason");
      blocked.refusal = json_text(feedback, "blockReasonMessage");
      by_index.emplace(0, std::move(blocked));
    }
    if (by_index.empty()) return no_answer("no_choices", "the reply has no candidates");
    for (auto& [index, response] : by_index) {
      response.served_model = json_text(reply, "modelVersion");
      response.provider_id = json_text(reply, "responseId");
      answer.choices.push_back(std::move(response));
    }
    return answer;
  }

  std::unique_ptr<Fold> fold() const override { return std::make_unique<GeminiFold>(); }
};

}  // namespace

std::unique_ptr<Teacher> make_gemini(TeacherSettings settings) { return std::make_unique<Gemini>(std::move(settings)); }

}  // namespace retort
