// The formats. Trainers that read them: "chat" is what OpenAI's fine-tuning and most others take, "prompt-completion"
// is TRL's, in its conversational shape unless --plain. A refusal is an answer: its words stand where the answer
// stands.
#include "core/corpus/words.h"
#include "core/export/format.h"
#include "core/export/text_messages.h"

namespace retort {
namespace {

// What was left out, and why.
constexpr const char* kToolCalls = "tool_calls";
constexpr const char* kNotText = "not_text";
constexpr const char* kNotOneUserMessage = "not_one_user_message";

std::string answer_of(const Pair& pair, ReasoningStyle place) {
  const Response& answer = pair.answer;
  const std::string& text = answer.text.empty() ? answer.refusal : answer.text;
  if (place != ReasoningStyle::inline_tag || answer.reasoning.empty()) return text;
  return "<think>" + answer.reasoning + "</think>\n\n" + text;
}

Json assistant_message(const Pair& pair, ReasoningStyle place) {
  Json message = {{"role", "assistant"}, {"content", answer_of(pair, place)}};
  if (place == ReasoningStyle::separate) message["reasoning_content"] = pair.answer.reasoning;
  return message;
}

bool is_tool_call(const Pair& pair) { return !pair.answer.tool_calls.is_null() && !pair.answer.tool_calls.empty(); }

RenderedPair left_out(const char* why) { return {std::nullopt, why}; }

RenderedPair finished(Json line, const Pair& pair, const FormatOptions& options) {
  if (!options.bare) {
    line["retort"] = {
        {"response", pair.response},         {"source", pair.source},       {"row", pair.source_row},
        {"teacher", pair.teacher.name},      {"model", pair.teacher.model}, {"licence", pair.rights.licence},
        {"finish", word(pair.answer.finish)}};
  }
  return {dump_json(line), {}};
}

// The shapes of columns().
constexpr const char *kText = "text", *kInteger = "integer";

Json messages_shape(bool reasoning) {
  Json message = {{"role", kText}, {"content", kText}};
  if (reasoning) message["reasoning_content"] = kText;
  return Json::array({std::move(message)});
}

Json shape(Json line, const FormatOptions& options) {
  if (!options.bare) {
    line["retort"] = {{"response", kInteger}, {"source", kText},  {"row", kInteger}, {"teacher", kText},
                      {"model", kText},       {"licence", kText}, {"finish", kText}};
  }
  return line;
}

bool separate(const FormatOptions& options) { return options.reasoning == ReasoningStyle::separate; }

class ChatFormat final : public PairFormat {
 public:
  explicit ChatFormat(const FormatOptions& options) : options_(options) {}

  RenderedPair render(const Pair& pair, const Pair*) const override {
    if (is_tool_call(pair)) return left_out(kToolCalls);
    auto messages = text_messages(pair.messages);
    if (!messages) return left_out(kNotText);
    messages->push_back(assistant_message(pair, options_.reasoning));
    return finished({{"messages", std::move(*messages)}}, pair, options_);
  }

  Json columns() const override { return shape({{"messages", messages_shape(separate(options_))}}, options_); }

 private:
  FormatOptions options_;
};

class PromptCompletionFormat final : public PairFormat {
 public:
  explicit PromptCompletionFormat(const FormatOptions& options) : options_(options) {}

  RenderedPair render(const Pair& pair, const Pair*) const override {
    if (is_tool_call(pair)) return left_out(kToolCalls);
    auto messages = text_messages(pair.messages);
    if (!messages) return left_out(kNotText);
    if (options_.plain) return plain(*messages, pair);
    Json completion = Json::array({assistant_message(pair, options_.reasoning)});
    return finished({{"prompt", std::move(*messages)}, {"completion", std::move(completion)}}, pair, options_);
  }

  Json columns() const override {
    if (!options_.plain) {
      return shape({{"prompt", messages_shape(false)}, {"completion", messages_shape(separate(options_))}}, options_);
    }
    Json line = {{"prompt", kText}, {"completion", kText}};
    if (separate(options_)) line["reasoning"] = kText;
    return shape(std::move(line), options_);
  }

 private:
  RenderedPair plain(const Json& messages, const Pair& pair) const {
    if (messages.size() != 1 || messages[0]["role"] != "user") return left_out(kNotOneUserMessage);
    Json line = {{"prompt", messages[0]["content"]}, {"completion", answer_of(pair, options_.reasoning)}};
    if (separate(options_)) line["reasoning"] = pair.answer.reasoning;
    return finished(std::move(line), pair, options_);
  }

  FormatOptions options_;
};

/// Alpaca's three texts: a system message has no place of its own, so it stands before the instruction, as its trainers
/// do with a system prompt they do not know.
class AlpacaFormat final : public PairFormat {
 public:
  explicit AlpacaFormat(const FormatOptions& options) : options_(options) {}

  RenderedPair render(const Pair& pair, const Pair*) const override {
    if (is_tool_call(pair)) return left_out(kToolCalls);
    auto messages = text_messages(pair.messages);
    if (!messages) return left_out(kNotText);
    const bool system = messages->size() == 2 && (*messages)[0]["role"] == "system";
    if (messages->size() != (system ? 2 : 1) || messages->back()["role"] != "user") return left_out(kNotOneUserMessage);
    Json line = {{"instruction", messages->back()["content"]},
                 {"input", ""},
                 {"output", answer_of(pair, options_.reasoning)},
                 {"system", system ? (*messages)[0]["content"] : Json("")}};
    if (separate(options_)) line["reasoning"] = pair.answer.reasoning;
    return finished(std::move(line), pair, options_);
  }

  Json columns() const override {
    Json line = {{"instruction", kText}, {"input", kText}, {"output", kText}, {"system", kText}};
    if (separate(options_)) line["reasoning"] = kText;
    return shape(std::move(line), options_);
  }

 private:
  FormatOptions options_;
};

/// ShareGPT's "conversations" of "human" and "gpt".
class ShareGptFormat final : public PairFormat {
 public:
  explicit ShareGptFormat(const FormatOptions& options) : options_(options) {}

  RenderedPair render(const Pair& pair, const Pair*) const override {
    if (is_tool_call(pair)) return left_out(kToolCalls);
    auto messages = text_messages(pair.messages);
    if (!messages) return left_out(kNotText);
    Json turns = Json::array();
    for (const Json& message : *messages) {
      const std::string role = message["role"];
      const char* from = role == "user"                            ? "human"
                         : role == "assistant"                     ? "gpt"
                         : role == "system" || role == "developer" ? "system"
                                                                   : nullptr;
      if (from == nullptr) return left_out(kNotText);
      turns.push_back({{"from", from}, {"value", message["content"]}});
    }
    turns.push_back({{"from", "gpt"}, {"value", answer_of(pair, options_.reasoning)}});
    Json line = {{"conversations", std::move(turns)}};
    if (separate(options_)) line["reasoning"] = pair.answer.reasoning;
    return finished(std::move(line), pair, options_);
  }

  Json columns() const override {
    Json line = {{"conversations", Json::array({{{"from", kText}, {"value", kText}}})}};
    if (separate(options_)) line["reasoning"] = kText;
    return shape(std::move(line), options_);
  }

 private:
  FormatOptions options_;
};

/// TRL's conversational preference pairs: prompt, chosen, rejected.
class PreferenceFormat final : public PairFormat {
 public:
  explicit PreferenceFormat(const FormatOptions& options) : options_(options) {}
  bool wants_preference() const override { return true; }

  RenderedPair render(const Pair& pair, const Pair* rejected) const override {
    RETORT_ASSERT(rejected != nullptr);
    if (is_tool_call(pair) || is_tool_call(*rejected)) return left_out(kToolCalls);
    auto messages = text_messages(pair.messages);
    if (!messages) return left_out(kNotText);
    Json line = {{"prompt", std::move(*messages)},
                 {"chosen", Json::array({assistant_message(pair, options_.reasoning)})},
                 {"rejected", Json::array({assistant_message(*rejected, options_.reasoning)})}};
    if (!options_.bare) line["retort_rejected"] = {{"response", rejected->response}};
    return finished(std::move(line), pair, options_);
  }

  Json columns() const override {
    Json line = {{"prompt", messages_shape(false)},
                 {"chosen", messages_shape(separate(options_))},
                 {"rejected", messages_shape(separate(options_))}};
    if (!options_.bare) line["retort_rejected"] = {{"response", kInteger}};
    return shape(std::move(line), options_);
  }

 private:
  FormatOptions options_;
};

}  // namespace

Result<std::unique_ptr<PairFormat>> make_format(std::string_view name, const FormatOptions& options) {
  if (options.plain && name != "prompt-completion") {
    return fail(Errc::usage, "--plain goes with -f prompt-completion; " + std::string(name) + " lines have one shape");
  }
  if (name == "chat") return std::unique_ptr<PairFormat>(std::make_unique<ChatFormat>(options));
  if (name == "prompt-completion")
    return std::unique_ptr<PairFormat>(std::make_unique<PromptCompletionFormat>(options));
  if (name == "alpaca") return std::unique_ptr<PairFormat>(std::make_unique<AlpacaFormat>(options));
  if (name == "sharegpt") return std::unique_ptr<PairFormat>(std::make_unique<ShareGptFormat>(options));
  if (name == "preference") return std::unique_ptr<PairFormat>(std::make_unique<PreferenceFormat>(options));
  return fail(Errc::usage,
              "no format '" + std::string(name) + "': choose chat, prompt-completion, alpaca, sharegpt or preference");
}

Result<ReasoningStyle> reasoning_style_of(std::string_view word) {
  if (word == "separate") return ReasoningStyle::separate;
  if (word == "inline") return ReasoningStyle::inline_tag;
  if (word == "drop") return ReasoningStyle::drop;
  return fail(Errc::usage, "--reasoning " + std::string(word) + ": choose separate, inline or drop");
}

}  // namespace retort
