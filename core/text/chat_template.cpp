#include "core/text/chat_template.h"

#include <algorithm>

#include "core/base/text.h"

namespace retort {
namespace {

constexpr std::string_view kSystem = "<|system|>", kUser = "<|user|>", kAssistant = "<|assistant|>", kEnd = "<|end|>";
constexpr std::string_view kThink = "<think>", kThinkEnd = "</think>";

// The same template in Jinja. tests/unit/chat_template_test.cpp holds the two beside each other.
constexpr const char* kJinja =
    "{%- for message in messages -%}"
    "{%- set role = 'system' if message['role'] == 'developer' else message['role'] -%}"
    "{{- '<|' + role + '|>' -}}"
    "{%- if role == 'assistant' and message.get('reasoning_content') -%}"
    "{{- '<think>' + message['reasoning_content'] + '</think>' -}}"
    "{%- endif -%}"
    "{{- message['content'] + '<|end|>' -}}"
    "{%- endfor -%}"
    "{%- if add_generation_prompt -%}{{- '<|assistant|>' -}}{%- endif -%}";

Result<std::string> text_of(const Json& content) {
  if (content.is_string()) return content.get<std::string>();
  std::string text;
  if (!content.is_array()) return fail(Errc::usage, "a message's content is neither text nor a list of parts");
  for (const Json& part : content) {
    if (!part.is_object() || json_text(part, "type") != "text")
      return fail(Errc::usage, "a message has a part that is no text");
    text += json_text(part, "text");
  }
  return text;
}

Result<std::string_view> mark_of(const std::string& role) {
  if (role == "system" || role == "developer") return kSystem;
  if (role == "user") return kUser;
  if (role == "assistant") return kAssistant;
  return fail(Errc::usage,
              "a message has the role '" + shortened(on_one_line(role), 40) + "', which the template does not know");
}

void add_mark(RenderedChat& chat, std::string_view mark, bool learned) {
  chat.parts.push_back({std::string(mark), true, learned});
}
void add_text(RenderedChat& chat, std::string text, bool learned) {
  if (!text.empty()) chat.parts.push_back({std::move(text), false, learned});
}
void add_reasoning(RenderedChat& chat, std::string reasoning, bool learned) {
  if (reasoning.empty()) return;
  add_mark(chat, kThink, learned);
  add_text(chat, std::move(reasoning), learned);
  add_mark(chat, kThinkEnd, learned);
}

}  // namespace

std::string RenderedChat::text() const {
  std::string all;
  for (const Part& part : parts) all += part.text;
  return all;
}

ByteSpan RenderedChat::learned() const {
  ByteSpan span;
  for (const Part& part : parts) {
    if (!part.learned) span.begin += part.text.size();
    span.end += part.text.size();
  }
  return span;
}

std::vector<AddedToken> chat_marks() {
  std::vector<AddedToken> marks;
  for (const std::string_view mark : {kSystem, kUser, kAssistant, kEnd}) marks.push_back({0, std::string(mark), true});
  for (const std::string_view mark : {kThink, kThinkEnd}) marks.push_back({0, std::string(mark), false});
  return marks;
}

Result<RenderedChat> render_prompt(const Json& messages) {
  if (!messages.is_array() || messages.empty())
    return fail(Errc::usage, "messages is not a list with at least one message");
  RenderedChat chat;
  for (const Json& message : messages) {
    if (!message.is_object()) return fail(Errc::usage, "a message is not an object");
    const auto mark = mark_of(json_text(message, "role"));
    if (!mark) return fail(mark.error());
    auto text = text_of(message.value("content", Json()));
    if (!text) return fail(text.error());
    add_mark(chat, *mark, false);
    if (*mark == kAssistant) add_reasoning(chat, json_text(message, "reasoning_content"), false);
    add_text(chat, std::move(*text), false);
    add_mark(chat, kEnd, false);
  }
  add_mark(chat, kAssistant, false);
  return chat;
}

Result<RenderedChat> render_pair(const Json& messages, const Completion& completion) {
  auto chat = render_prompt(messages);
  if (!chat) return chat;
  add_reasoning(*chat, completion.reasoning, true);
  add_text(*chat, completion.text, true);
  add_mark(*chat, kEnd, true);
  return chat;
}

Result<ChatTokenizer> ChatTokenizer::create(BpeTokenizer tokenizer) {
  ChatTokenizer chat(std::move(tokenizer));
  for (const AddedToken& mark : chat_marks()) {
    if (!chat.tokenizer_.added_id(mark.content)) return fail(Errc::usage, "the tokenizer has no token " + mark.content);
  }
  chat.end_ = *chat.tokenizer_.added_id(kEnd);
  chat.think_ = *chat.tokenizer_.added_id(kThink);
  chat.think_end_ = *chat.tokenizer_.added_id(kThinkEnd);
  return chat;
}

ChatTokens ChatTokenizer::encode(const RenderedChat& chat) const {
  ChatTokens row;
  bool learning = false;
  for (const RenderedChat::Part& part : chat.parts) {
    RETORT_ASSERT(part.learned || !learning);  // what is learned is one stretch at the end
    if (part.learned && !learning) row.learned_from = row.ids.size();
    learning = part.learned;
    if (part.mark) {
      row.ids.push_back(*tokenizer_.added_id(part.text));
    } else {
      tokenizer_.encode_ordinary(part.text, row.ids);
    }
  }
  if (!learning) row.learned_from = row.ids.size();
  RETORT_ASSERT(!learning || row.ids.back() == end_);  // every row teaches where to stop
  return row;
}

Completion ChatTokenizer::parse(std::span<const TokenId> generated) const {
  generated = generated.first(
      static_cast<std::size_t>(std::find(generated.begin(), generated.end(), end_) - generated.begin()));
  Completion completion;
  if (!generated.empty() && generated.front() == think_) {
    const auto close = std::find(generated.begin(), generated.end(), think_end_);
    const auto length = static_cast<std::size_t>(close - generated.begin());
    completion.reasoning = to_valid_utf8(tokenizer_.decode(generated.subspan(1, length - 1)));
    generated = generated.subspan(close == generated.end() ? length : length + 1);
  }
  completion.text = to_valid_utf8(tokenizer_.decode(generated));
  return completion;
}

std::string_view own_chat_template() { return kJinja; }

std::string tokenizer_config_json(std::size_t context) {
  nlohmann::ordered_json config;
  config["tokenizer_class"] = "PreTrainedTokenizerFast";
  config["model_max_length"] = context;
  config["bos_token"] = nullptr;
  config["eos_token"] = kEnd;
  config["pad_token"] = kEnd;
  config["clean_up_tokenization_spaces"] = false;
  config["chat_template"] = kJinja;
  return config.dump(2) + "\n";
}

}  // namespace retort
