#include "core/teacher/codec.h"

#include <algorithm>

#include "core/base/text.h"
#include "core/teacher/http_errors.h"
#include "core/teacher/shapes.h"

namespace retort {
namespace {

// A token is at least one byte of text in every tokenizer we know.
constexpr Tokens kTokensPerMessage = 8;        // role and separators
constexpr Tokens kTokensPerRequest = 64;       // what a chat template adds of its own
constexpr Tokens kTokensPerImage = 4096;       // providers count a few hundred to about 3,000 for a large one
constexpr Tokens kOutputTokensUnknown = 1024;  // a guess where no max_tokens is set

Tokens content_bound(const Json& message) {
  const auto content = message.find("content");
  if (content == message.end()) return 0;
  if (content->is_string()) return static_cast<Tokens>(content->get_ref<const std::string&>().size());
  Tokens sum = 0;
  for (const Json& part : *content) {
    const auto text = part.find("text");
    sum += text != part.end() && text->is_string() ? static_cast<Tokens>(text->get_ref<const std::string&>().size())
                                                   : kTokensPerImage;
  }
  return sum;
}

// R1-style models behind servers without a reasoning parser think inline; the opening tag may have been part of
// the prompt's template and be missing here.
void split_inline_reasoning(Response& response, InlineReasoning how) {
  constexpr std::string_view kOpen = "<think>", kClose = "</think>";
  if (how == InlineReasoning::off || !response.reasoning.empty()) return;
  const std::string_view text = response.text;
  const std::size_t close = text.find(kClose);
  std::string_view thought = trimmed(text.substr(0, close));
  const std::size_t open = thought.find(kOpen);
  if (open != std::string_view::npos && open != 0) return;  // text before the thought: not the shape we know
  if (close == std::string_view::npos && open != 0 && how != InlineReasoning::opened) return;
  if (open == 0) thought = trimmed(thought.substr(kOpen.size()));
  std::string rest(close == std::string_view::npos ? std::string_view() : trimmed(text.substr(close + kClose.size())));
  response.reasoning = thought;
  response.text = std::move(rest);
}

bool says_nothing(const Response& response) {
  return response.text.empty() && response.refusal.empty() && response.tool_calls.is_null();
}

// An empty text is an answer where the provider says why it is empty.
bool is_no_answer(const Response& response) {
  return says_nothing(response) && response.finish != Finish::content_filter && response.finish != Finish::length &&
         response.finish != Finish::refusal;
}

std::string_view without_bom(std::string_view text) {
  constexpr std::string_view kBom = "\xEF\xBB\xBF";
  return text.substr(0, kBom.size()) == kBom ? text.substr(kBom.size()) : text;
}

std::vector<SseEvent> lines_of(std::string_view body) {
  std::vector<SseEvent> events;
  while (!body.empty()) {
    const std::size_t end = std::min(body.find('\n'), body.size());
    if (const std::string_view line = trimmed(body.substr(0, end)); !line.empty())
      events.push_back({"", std::string(line)});
    body.remove_prefix(std::min(end + 1, body.size()));
  }
  return events;
}

// OpenAI's Responses say {type: "error", code, message} without an object around it.
std::optional<ProviderError> stream_error(const Json& data) {
  if (std::optional<ProviderError> error = provider_error(data)) return error;
  if (json_text(data, "type") == "error") return provider_error({{"error", data}});
  return {};
}

}  // namespace

Result<void> Codec::accepts(const Json& parameters, int choices) const {
  const std::string who = std::string("the dialect ") + words_.name;
  for (const char* name : {"model", "messages", "stream", "n"}) {
    if (parameters.contains(name))
      return fail(Errc::usage,
                  std::string("'") + name + "' is no sampling parameter: it has a key or an option of its own");
  }
  for (const std::string& name : words_.unsayable) {
    if (parameters.contains(name)) return fail(Errc::usage, who + " has no '" + name + "': leave it out");
  }
  if (const auto budget = parameters.find("reasoning_budget"); budget != parameters.end()) {
    if (!budget->is_number_integer() || *budget < 0)
      return fail(Errc::usage, "'reasoning_budget' is a whole number of tokens");
  }
  const int most = settings_.choices_max > 0 ? std::min(settings_.choices_max, words_.choices_max) : words_.choices_max;
  if (choices < 1 || choices > most) {
    return fail(Errc::usage, who + " gives " + std::to_string(most) + (most == 1 ? " answer" : " answers at most") +
                                 " to one request, not " + std::to_string(choices));
  }
  return accepts_more(parameters);
}

Result<void> Codec::accepts_messages(const Json& messages) const {
  const std::string who = std::string("the dialect ") + words_.name;
  if (!messages.is_array() || messages.empty()) return fail(Errc::usage, "a conversation has at least one message");
  for (const Json& message : messages) {
    if (!message.is_object() || json_text(message, "role").empty())
      return fail(Errc::usage, "a message is an object with a role");
    const auto content = message.find("content");
    if (content == message.end() || content->is_null() || content->is_string()) continue;
    if (!content->is_array()) return fail(Errc::usage, "a message's content is text, or a list of parts");
    for (const Json& part : *content) {
      const std::string type = json_text(part, "type");
      if (type == "text") {
        if (part.contains("text") && part["text"].is_string()) continue;
        return fail(Errc::usage, "a part of type 'text' has no text");
      }
      if (type == "image")
        return fail(Errc::usage, "an image given by its path was not read: it must be a data URL here");
      if (type != "image_url") {
        if (words_.any_parts && part.is_object()) continue;
        return fail(Errc::usage, who + " takes no part of type '" + shortened(type, 40) + "'");
      }
      const std::string place = image_url(part);
      if (image_data(place) ? words_.image_data : words_.image_urls && place.rfind("https://", 0) == 0) continue;
      if (!words_.image_data) return fail(Errc::usage, who + " takes no images");
      return fail(Errc::usage, who + " takes images " + (words_.image_urls ? "by https URL or " : "") +
                                   "as data (data:image/png;base64,…), not '" + shortened(place, 40) + "'");
    }
  }
  return accepts_order(messages);
}

Cost Codec::bound(const Question& question) const {
  Cost cost;
  cost.input = kTokensPerRequest;
  for (const Json& message : question.messages.json()) cost.input += kTokensPerMessage + content_bound(message);
  for (const char* sent_along : {"tools", "response_format"}) {
    if (const auto found = question.parameters.find(sent_along); found != question.parameters.end())
      cost.input += static_cast<Tokens>(dump_json(*found).size());
  }
  cost.output = question.max_tokens.value_or(kOutputTokensUnknown) * question.choices;
  cost.money = settings_.prices.most(cost.input, cost.output);
  return cost;
}

HttpRequest Codec::encode(const Question& question) const {
  HttpRequest request;
  request.url = settings_.base_url + url(question);
  request.headers = {{"content-type", "application/json"},
                     {"accept", question.stream && !streams_lines() ? "text/event-stream" : "application/json"}};
  request.headers.insert(request.headers.end(), words_.headers.begin(), words_.headers.end());
  request.body = dump_json(body(question));
  return request;
}

HttpHeader Codec::credential_header(std::string_view key) const {
  if (!settings_.credential_name.empty()) return {settings_.credential_name, std::string(key)};
  return {words_.credential.first, words_.credential.second + std::string(key)};
}

bool Codec::is_stream(const HttpHead& head, std::string_view body) const {
  const std::string_view text = trimmed(without_bom(body));
  if (text.empty()) return false;
  if (streams_lines()) {
    const std::size_t end = text.find('\n');
    return text.front() == '{' && parse_reply_json(text.substr(0, end)).has_value();
  }
  if (text.front() == '{' || text.front() == '[') return false;
  if (lower_ascii(head.find("content-type").value_or("")).find("text/event-stream") != std::string::npos) return true;
  for (const std::string_view start : {"data:", "event:", ":", "id:", "retry:"}) {
    if (text.substr(0, start.size()) == start) return true;
  }
  return false;
}

Reply Codec::decode_stream(const HttpHead& head, std::string_view body) const {
  std::vector<SseEvent> events;
  SseParser parser;
  std::size_t closed = 0;
  if (streams_lines()) {
    events = lines_of(without_bom(body));
    closed = events.empty() ? 0 : events.size() - 1;
  } else {
    parser.feed(body, events);
    closed = events.size();
    // Some servers close the connection without the blank line after their last event.
    if (auto rest = parser.rest()) events.push_back(std::move(*rest));
  }
  const std::unique_ptr<Fold> fold = this->fold();
  std::optional<Rejection> trouble;
  for (std::size_t i = 0; i < events.size() && !trouble; ++i) {
    if (trimmed(events[i].data) == "[DONE]") {
      fold->marked_done();
      continue;
    }
    const Result<Json> data = parse_reply_json(events[i].data);
    if (!data && i >= closed) break;  // cut in the middle of an event
    if (!data) {
      trouble = no_answer("not_json", "an event of the stream: " + data.error().message);
    } else if (const auto error = stream_error(*data)) {
      trouble = reject_error(*error);
    } else {
      fold->take(events[i].name, *data);
    }
  }
  const bool complete = fold->complete();
  const Json whole = fold->whole();
  if (const auto error = provider_error(whole); error && !trouble) trouble = reject_error(*error);
  Reply reply = read(whole);
  if (complete && !trouble) return finished(std::move(reply), head);
  if (!trouble) trouble = no_answer("stream_cut", "the stream ended before its end");
  auto* answer = std::get_if<Answer>(&reply);
  if (answer == nullptr) return *trouble;
  Response& partial = answer->choices.front();
  split_inline_reasoning(partial, words_.inline_reasoning ? settings_.inline_reasoning : InlineReasoning::off);
  if (says_nothing(partial) && partial.reasoning.empty()) return *trouble;
  partial.finish = Finish::error;
  partial.usage = answer->usage;
  trouble->partial = std::move(partial);
  return *trouble;
}

Reply Codec::decode(const HttpHead& head, std::string_view body) const {
  if (head.status == 200 && is_stream(head, body)) return decode_stream(head, body);
  const Result<Json> parsed = parse_reply_json(body);
  const std::optional<ProviderError> error = parsed ? provider_error(*parsed) : std::nullopt;
  if (head.status != 200) return reject_status(head, error, body);
  if (trimmed(body).empty()) return no_answer("empty_body", "status 200 with an empty body");
  if (!parsed) return no_answer("not_json", parsed.error().message);
  if (error) return reject_error(*error);
  return finished(read(*parsed), head);
}

Reply Codec::finished(Reply reply, const HttpHead& head) const {
  auto* answer = std::get_if<Answer>(&reply);
  if (answer == nullptr) return reply;
  for (Response& choice : answer->choices) {
    split_inline_reasoning(choice, words_.inline_reasoning ? settings_.inline_reasoning : InlineReasoning::off);
    for (const char* header : {"x-request-id", "request-id", "apim-request-id"}) {
      if (choice.provider_id.empty()) choice.provider_id = to_valid_utf8(head.find(header).value_or(""));
    }
  }
  answer->choices.erase(std::remove_if(answer->choices.begin(), answer->choices.end(), is_no_answer),
                        answer->choices.end());
  if (answer->choices.empty()) return Rejection{Rejection::Kind::permanent, "null_content", "the reply has no content"};
  if (answer->choices.size() == 1) answer->choices.front().usage = answer->usage;
  return reply;
}

Cost Codec::invoice(const Usage& usage, const Cost& bound, WallTime at) const {
  Cost cost;
  cost.input = usage.input.value_or(bound.input);
  cost.output = usage.output.value_or(bound.output);
  cost.money = settings_.prices.of(cost.input, cost.output, usage.cached_input.value_or(0), at,
                                   usage.cache_creation.value_or(0));
  return cost;
}

std::optional<HttpRequest> Codec::ask_models() const {
  HttpRequest request;
  request.method = "GET";
  request.url = settings_.base_url + words_.models_path;
  request.headers = {{"accept", "application/json"}};
  request.headers.insert(request.headers.end(), words_.headers.begin(), words_.headers.end());
  return request;
}

// OpenAI and Anthropic list {data: [{id}]}, Gemini {models: [{name: "models/…"}]}, Ollama {models: [{name}]}, Together
// a bare array.
std::optional<ServerFacts> Codec::read_models(const HttpHead& head, std::string_view body) const {
  if (head.status != 200) return {};
  const Result<Json> parsed = parse_reply_json(body);
  if (!parsed) return {};
  const Json& data = json_child(*parsed, "data");
  const Json& list = parsed->is_array() ? *parsed : data.is_array() ? data : json_child(*parsed, "models");
  if (!list.is_array()) return {};
  ServerFacts facts;
  for (const Json& model : list) {
    std::string name = json_text(model, "id");
    if (name.empty()) name = json_text(model, "name");
    if (name.rfind("models/", 0) == 0) name.erase(0, 7);
    facts.models.push_back(name);
    if (name != settings_.model && "models/" + name != settings_.model && name != settings_.model + ":latest") continue;
    facts.has_model = true;
    // vLLM and SGLang say max_model_len, llama.cpp the context that it was started or trained with.
    facts.context_tokens = json_count(model, "max_model_len");
    const Json& more = json_child(model, "meta");
    if (!facts.context_tokens) facts.context_tokens = json_count(more, "n_ctx");
    if (!facts.context_tokens) facts.context_tokens = json_count(more, "n_ctx_train");
  }
  return facts;
}

Rejection no_answer(const char* word, std::string detail) {
  return {Rejection::Kind::transient, word, std::move(detail)};
}

}  // namespace retort
