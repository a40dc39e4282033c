#include "core/student/student_chat.h"

#include <algorithm>

#include "core/base/files.h"
#include "core/base/text.h"
#include "core/weights/chat_files.h"

namespace retort {
namespace {

Json object_in(const std::string& path) {
  const auto text = read_file(path);
  auto json = text ? parse_json(*text) : Result<Json>(Json());
  return json && json->is_object() ? std::move(*json) : Json::object();
}

constexpr std::string_view kThink = "<think>", kThinkEnd = "</think>";

// The end of a prompt that makes the student begin with its reasoning.
bool opens_thinking(const BpeTokenizer& tokenizer, std::span<const TokenId> prompt) {
  constexpr std::size_t kTokens = 8;
  const std::string tail = tokenizer.decode(prompt.last(std::min(prompt.size(), kTokens)), true);
  return trimmed(tail).ends_with(kThink);
}

Completion taken_apart(std::string_view text, bool thinking) {
  Completion completion;
  const std::string_view begin = trimmed(text);
  if (!thinking && begin.starts_with(kThink)) {
    text = begin.substr(kThink.size());
    thinking = true;
  }
  if (thinking) {
    const std::size_t close = text.find(kThinkEnd);
    completion.reasoning = trimmed(text.substr(0, close));
    text = close == std::string_view::npos ? std::string_view() : trimmed(text.substr(close + kThinkEnd.size()));
  }
  completion.text = text;
  return completion;
}

}  // namespace

StudentChat StudentChat::own(ChatTokenizer chat) {
  const TokenId end = chat.end();
  StudentChat made(std::move(chat));
  made.ends_ = {end};
  return made;
}

Result<StudentChat> StudentChat::open(const std::string& path, const std::string& template_text) {
  auto found = chat_from_files(path, template_text);
  if (!found) return fail(found.error());
  if (trimmed(found->format().chat_template) == own_chat_template()) {
    auto chat = ChatTokenizer::create(found->tokenizer());
    if (!chat) return fail(Errc::usage, path + ": " + chat.error().message);
    return own(std::move(*chat));
  }
  StudentChat made(std::move(*found));
  if (!path.ends_with(".gguf")) {
    made.tokenizer_config_ = object_in(path + "/tokenizer_config.json");
    made.generation_config_ = object_in(path + "/generation_config.json");
  }
  if (auto ready = made.find_turn_end(); !ready) return fail(Errc::usage, path + ": " + ready.error().message);
  return made;
}

// Some models name another token as their end than the one their template ends a turn with.
Result<void> StudentChat::find_turn_end() {
  const auto& chat = std::get<ModelChat>(chat_);
  const auto row = chat.row(Json::array({{{"role", "user"}, {"content", "Why?"}}}), {"", "Because."});
  if (!row) return fail(Errc::usage, "its chat template cannot be used: " + row.error().message);
  ends_ = {row->ids.back()};
  for (const TokenId id : chat.format().end_tokens) {
    if (!is_end(id)) ends_.push_back(id);
  }
  return {};
}

const BpeTokenizer& StudentChat::tokenizer() const {
  return std::visit([](const auto& chat) -> const BpeTokenizer& { return chat.tokenizer(); }, chat_);
}

bool StudentChat::is_end(TokenId id) const { return std::find(ends_.begin(), ends_.end(), id) != ends_.end(); }

Result<std::vector<TokenId>> StudentChat::prompt(const Json& messages) const {
  if (const auto* model = std::get_if<ModelChat>(&chat_)) return model->prompt(messages);
  const auto rendered = render_prompt(messages);
  if (!rendered) return fail(rendered.error());
  return std::get<ChatTokenizer>(chat_).encode(*rendered).ids;
}

Result<ChatTokens> StudentChat::row(const Json& messages, const Completion& completion) const {
  if (const auto* model = std::get_if<ModelChat>(&chat_)) {
    auto row = model->row(messages, completion);
    if (!row) return fail(row.error());
    if (row->learned_from == 0) return fail(Errc::usage, "the template writes nothing before the answer");
    return ChatTokens{std::move(row->ids), row->learned_from};
  }
  const auto rendered = render_pair(messages, completion);
  if (!rendered) return fail(rendered.error());
  return std::get<ChatTokenizer>(chat_).encode(*rendered);
}

Completion StudentChat::parse(std::span<const TokenId> prompt, std::span<const TokenId> generated) const {
  const auto end = std::find_if(generated.begin(), generated.end(), [&](TokenId id) { return is_end(id); });
  generated = generated.first(static_cast<std::size_t>(end - generated.begin()));
  if (const auto* own = std::get_if<ChatTokenizer>(&chat_)) return own->parse(generated);
  return taken_apart(to_valid_utf8(tokenizer().decode(generated)), opens_thinking(tokenizer(), prompt));
}

void StudentChat::join_end_tokens(ModelConfig& config) {
  std::vector<std::int64_t> known = {config.end_token};
  known.insert(known.end(), config.other_end_tokens.begin(), config.other_end_tokens.end());
  const auto in_vocabulary = static_cast<std::int64_t>(tokenizer().vocabulary_size());
  for (const std::int64_t id : known) {
    if (id >= 0 && id < in_vocabulary && !is_end(static_cast<TokenId>(id))) ends_.push_back(static_cast<TokenId>(id));
  }
  if (std::holds_alternative<ChatTokenizer>(chat_) || config.end_token < 0) config.end_token = ends_.front();
  config.other_end_tokens.clear();
  for (const TokenId id : ends_) {
    if (id != config.end_token) config.other_end_tokens.push_back(id);
  }
}

std::string StudentChat::tokenizer_config(const ModelConfig& config) const {
  if (std::holds_alternative<ChatTokenizer>(chat_))
    return tokenizer_config_json(static_cast<std::size_t>(config.context));
  const ChatFormat& format = std::get<ModelChat>(chat_).format();
  Json about = tokenizer_config_;
  if (about.empty()) {
    about = {{"tokenizer_class", "PreTrainedTokenizerFast"}, {"model_max_length", config.context}};
    const std::pair<const char*, std::string> tokens[] = {{"bos_token", format.bos_token},
                                                          {"eos_token", format.eos_token},
                                                          {"pad_token", format.pad_token},
                                                          {"unk_token", format.unk_token}};
    for (const auto& [key, text] : tokens) {
      if (!text.empty()) about[key] = text;
    }
    if (format.pad_token.empty() && !format.eos_token.empty()) about["pad_token"] = format.eos_token;
  }
  about["chat_template"] = format.chat_template;
  return about.dump(2) + "\n";
}

std::vector<std::pair<std::string, std::string>> StudentChat::files(const ModelConfig& config) const {
  Json generation = generation_config_;
  if (ends_.size() == 1) {
    generation["eos_token_id"] = ends_.front();
  } else {
    generation["eos_token_id"] = ends_;
  }
  if (!generation.contains("pad_token_id")) generation["pad_token_id"] = config.end_token;
  if (config.begin_token >= 0) generation["bos_token_id"] = config.begin_token;
  return {{"tokenizer.json", tokenizer().to_json()},
          {"tokenizer_config.json", tokenizer_config(config)},
          {"generation_config.json", generation.dump(2) + "\n"}};
}

}  // namespace retort
