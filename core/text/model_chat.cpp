#include "core/text/model_chat.h"

#include <algorithm>

#include "core/base/text.h"

namespace retort {
namespace {

using jinja::Text;
using jinja::Value;

constexpr std::uint8_t kCompletion = jinja::kAnswer | jinja::kReasoning;

// Roles are words of the format, unless somebody made one up.
void trust_role(jinja::DictData& message) {
  for (auto& [key, value] : message.items) {
    const Text* role = key.view() == "role" ? value.as<Text>() : nullptr;
    if (role == nullptr) continue;
    for (const char* known : {"system", "developer", "user", "assistant", "tool", "function", "ipython"}) {
      if (role->view() == known) {
        value = Text(known);
        break;
      }
    }
  }
}

Value values_of(const Json& messages) {
  Value made = jinja::from_json(messages, jinja::kOutside);
  for (const Value& message : (*made.as<jinja::List>())->items) {
    if (const auto* dict = message.as<jinja::Dict>()) trust_role(**dict);
  }
  return made;
}

// The messages and one of the assistant's.
Value with_answer(const Json& messages, const Text& answer, const std::string& reasoning) {
  Value made = values_of(messages);
  const Value message = jinja::make_dict();
  jinja::DictData& fields = **message.as<jinja::Dict>();
  fields.set("role", Text("assistant"));
  fields.set("content", answer);
  if (!reasoning.empty()) {
    const Text text(reasoning, jinja::kOutside | jinja::kReasoning);
    for (const char* name : {"reasoning_content", "reasoning", "thinking"}) fields.set(name, text);
  }
  (*made.as<jinja::List>())->items.push_back(message);
  return made;
}

struct Stretch {
  std::size_t begin = 0, end = 0;
  std::string bytes;  // of the marked runs alone
};
Stretch marked(const Text& text, std::uint8_t marks) {
  Stretch found{text.size(), 0, ""};
  for (const jinja::Run& run : text.runs()) {
    if ((run.marks & marks) == 0) continue;
    found.begin = std::min(found.begin, run.begin);
    found.end = run.end;
    found.bytes += text.bytes().substr(run.begin, run.end - run.begin);
  }
  return found;
}

// Templates strip white space; anything else would teach what nobody said.
bool is_kept(const std::string& written, const std::string& given) { return trimmed(written) == trimmed(given); }

std::size_t common_prefix(const Text& a, const Text& b) {
  const auto [at, unused] = std::mismatch(a.bytes().begin(), a.bytes().end(), b.bytes().begin(), b.bytes().end());
  return static_cast<std::size_t>(at - a.bytes().begin());
}

bool opens_thinking(std::string_view text) { return trimmed(text) == "<think>"; }

std::string token_text(const Json& config, const char* key) {
  const std::string plain = json_text(config, key);
  return plain.empty() ? json_text(json_child(config, key), "content") : plain;
}

}  // namespace

Result<ChatFormat> chat_format_from_files(const std::string& tokenizer_config, const std::string& chat_template_jinja,
                                          const std::string& generation_config) {
  ChatFormat format;
  format.chat_template = chat_template_jinja;
  if (!tokenizer_config.empty()) {
    const auto config = parse_json(tokenizer_config);
    if (!config || !config->is_object()) return fail(Errc::usage, "tokenizer_config.json: not a JSON object");
    format.bos_token = token_text(*config, "bos_token");
    format.eos_token = token_text(*config, "eos_token");
    format.pad_token = token_text(*config, "pad_token");
    format.unk_token = token_text(*config, "unk_token");
    if (format.chat_template.empty()) format.chat_template = json_text(*config, "chat_template");
    for (const Json& named : json_child(*config, "chat_template")) {
      if (format.chat_template.empty() && named.is_object() && json_text(named, "name") == "default")
        format.chat_template = json_text(named, "template");
    }
  }
  if (format.chat_template.empty())
    return fail(Errc::usage, "the model has no chat template (chat_template.jinja, or in tokenizer_config.json)");
  if (!generation_config.empty()) {
    const auto config = parse_json(generation_config);
    if (!config || !config->is_object()) return fail(Errc::usage, "generation_config.json: not a JSON object");
    const auto end = config->find("eos_token_id");
    const Json ends = end == config->end() ? Json::array() : end->is_array() ? *end : Json::array({*end});
    for (const Json& id : ends) {
      if (id.is_number_integer() && id >= 0 && id < 10'000'000) format.end_tokens.push_back(id.get<TokenId>());
    }
  }
  return format;
}

Result<ModelChat> ModelChat::create(BpeTokenizer tokenizer, ChatFormat format, ModelChatSettings settings) {
  ModelChat made(std::move(tokenizer));
  auto read = jinja::Template::parse(format.chat_template);
  if (!read) return fail(read.error());
  made.template_ = std::move(*read);
  for (const std::string* token : {&format.bos_token, &format.eos_token}) {
    if (!token->empty() && !made.tokenizer_.added_id(*token))
      return fail(Errc::usage, "the tokenizer has no token " + shortened(on_one_line(*token), 40));
  }
  if (!format.eos_token.empty()) format.end_tokens.push_back(*made.tokenizer_.added_id(format.eos_token));
  if (!settings.template_values.is_object()) return fail(Errc::usage, "the template's values are no JSON object");
  made.format_ = std::move(format);
  made.settings_ = std::move(settings);
  return made;
}

bool ModelChat::is_end(TokenId id) const {
  return std::find(format_.end_tokens.begin(), format_.end_tokens.end(), id) != format_.end_tokens.end();
}

Result<Text> ModelChat::render(const Value& messages, bool add_generation_prompt) const {
  std::vector<std::pair<std::string, Value>> values = {
      {"messages", messages},
      {"tools", jinja::None{}},
      {"documents", jinja::None{}},
      {"add_generation_prompt", add_generation_prompt},
  };
  const std::pair<const char*, const std::string*> tokens[] = {{"bos_token", &format_.bos_token},
                                                               {"eos_token", &format_.eos_token},
                                                               {"pad_token", &format_.pad_token},
                                                               {"unk_token", &format_.unk_token}};
  for (const auto& [name, token] : tokens) {
    if (!token->empty()) values.emplace_back(name, Text(*token));
  }
  for (const auto& [name, value] : settings_.template_values.items())
    values.emplace_back(name, jinja::from_json(value, jinja::kOutside));
  return template_->render(values, settings_.now);
}

Result<Text> ModelChat::render(const Json& messages, bool add_generation_prompt) const {
  if (!messages.is_array() || messages.empty() || !is_valid_utf8(dump_json(messages)))
    return fail(Errc::usage, "messages are no list, or empty");
  return render(values_of(messages), add_generation_prompt);
}

void ModelChat::encode(const Text& text, std::vector<TokenId>& ids) const {
  std::vector<ByteSpan> outside;
  for (const jinja::Run& run : text.runs()) {
    if ((run.marks & (jinja::kOutside | kCompletion)) != 0) outside.push_back({run.begin, run.end});
  }
  tokenizer_.encode(text.view(), outside, ids);
  const auto bos = format_.bos_token.empty() ? std::nullopt : tokenizer_.added_id(format_.bos_token);
  while (bos && ids.size() > 1 && ids[0] == *bos && ids[1] == *bos) ids.erase(ids.begin());
}

Result<std::vector<TokenId>> ModelChat::prompt(const Json& messages) const {
  const auto text = render(messages, true);
  if (!text) return fail(text.error());
  std::vector<TokenId> ids;
  encode(*text, ids);
  return ids;
}

// The text of a row, and where in it learning begins.
Result<Text> ModelChat::render_row(const Json& messages, const Completion& completion, const Text& prompt,
                                   std::size_t& begin, ReasoningPlace& place) const {
  const Text answer(completion.text, jinja::kOutside | jinja::kAnswer);
  auto full = render(with_answer(messages, answer, completion.reasoning), false);
  if (!full) return full;
  place = completion.reasoning.empty() ? ReasoningPlace::none : ReasoningPlace::by_template;
  const bool dropped = !completion.reasoning.empty() && (full->marks() & jinja::kReasoning) == 0;
  const std::size_t common = std::min(common_prefix(prompt, *full), marked(*full, kCompletion).begin);
  if ((dropped || completion.reasoning.empty()) && opens_thinking(prompt.view().substr(common))) {
    // The prompt opens <think> and the template's own turns have none: the row goes on as the student will have to.
    Text row = prompt;
    begin = prompt.size();
    row.append(Text(completion.reasoning, jinja::kOutside | jinja::kReasoning));
    row.append("\n</think>\n\n");
    row.append(full->part(common, full->size()));
    if (dropped) place = ReasoningPlace::prefilled;
    return row;
  }
  if (dropped) {
    Text inlined("<think>\n");
    inlined.append(Text(completion.reasoning, jinja::kOutside | jinja::kReasoning));
    inlined.append("\n</think>\n\n");
    inlined.append(answer);
    full = render(with_answer(messages, inlined, ""), false);
    if (!full) return full;
    place = ReasoningPlace::inlined;
  }
  begin = common_prefix(prompt, *full);
  if ((full->marks() & jinja::kGeneration) != 0) {
    // The last block is this answer's.
    for (const jinja::Run& run : full->runs()) {
      const bool starts = (run.marks & jinja::kGeneration) != 0 &&
                          (run.begin == 0 || !std::any_of(full->runs().begin(), full->runs().end(), [&](const auto& r) {
                             return r.end == run.begin && (r.marks & jinja::kGeneration) != 0;
                           }));
      if (starts) begin = run.begin;
    }
  }
  begin = std::min(begin, marked(*full, kCompletion).begin);
  const Stretch asked = marked(prompt, jinja::kOutside);
  if (asked.end > begin) return fail(Errc::usage, "the template writes the prompt differently once it is answered");
  return full;
}

Result<ModelRow> ModelChat::row(const Json& messages, const Completion& completion) const {
  if (completion.text.empty()) return fail(Errc::usage, "an empty answer teaches nothing");
  if (!is_valid_utf8(completion.text) || !is_valid_utf8(completion.reasoning))
    return fail(Errc::usage, "an answer that is not UTF-8");
  const auto prompt = render(messages, true);
  if (!prompt) return fail(prompt.error());
  ModelRow row;
  std::size_t begin = 0;
  const auto full = render_row(messages, completion, *prompt, begin, row.reasoning);
  if (!full) return fail(full.error());
  if (!is_kept(marked(*full, jinja::kAnswer).bytes, completion.text))
    return fail(Errc::usage, "the template changes or drops this answer");
  if (!is_kept(marked(*full, jinja::kReasoning).bytes, completion.reasoning))
    return fail(Errc::usage, "the template changes or drops this reasoning");

  // The prompt's tokens apart from the rest: generation begins with exactly these.
  encode(full->part(0, begin), row.ids);
  row.learned_from = row.ids.size();
  std::vector<TokenId> learned, after;
  encode(full->part(begin, full->size()), learned);
  encode(full->part(marked(*full, kCompletion).end, full->size()), after);
  const auto is_special = [&](TokenId id) {
    const AddedToken* token = tokenizer_.added(id);
    return token != nullptr && (token->special || is_end(id));
  };
  // What people and models wrote is never special, so the special tokens after it are the last ones of the row.
  auto left = std::count_if(after.begin(), after.end(), is_special);
  if (left == 0) return fail(Errc::usage, "the template writes no end-of-turn token after the answer");
  auto end = learned.end();
  while (left > 0) left -= is_special(*--end) ? 1 : 0;
  learned.erase(end + 1, learned.end());
  row.ids.insert(row.ids.end(), learned.begin(), learned.end());
  row.learned_until = row.ids.size();
  return row;
}

}  // namespace retort
