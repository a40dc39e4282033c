// A model's own tokenizer and chat template together: messages become token ids, and of a prompt with its answer it is
// known exactly what is to be learned. It comes of how the text is made: the answer's bytes carry a mark through the
// template; nothing is ever searched for.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/base/json.h"
#include "core/base/result.h"
#include "core/text/bpe_tokenizer.h"
#include "core/text/chat_template.h"
#include "core/text/jinja/template.h"

namespace retort {

/// What stands beside the tokenizer: tokenizer_config.json, chat_template.jinja and generation_config.json of a
/// Hugging Face folder, or GGUF metadata.
struct ChatFormat {
  std::string chat_template;
  std::string bos_token, eos_token, pad_token, unk_token;  ///< as text; empty: none
  std::vector<TokenId> end_tokens;                         ///< generation ends at any of them; eos_token is one anyway
};

/// The texts of the files; empty ones are absent. Errc::usage if a file is no JSON, or the template is missing or
/// there are several and none is named "default".
Result<ChatFormat> chat_format_from_files(const std::string& tokenizer_config, const std::string& chat_template_jinja,
                                          const std::string& generation_config);

/// Where a completion's reasoning went.
enum class ReasoningPlace {
  none,         ///< there was none
  by_template,  ///< the template has a place for it
  prefilled,    ///< the generation prompt opens <think>, so the row goes on from there
  inlined,      ///< the template knows nothing of it: <think>\n…\n</think>\n\n before the answer
};

struct ModelRow {
  std::vector<TokenId> ids;
  std::size_t learned_from = 0, learned_until = 0;  ///< tokens; what is learned ends with the end-of-turn token
  ReasoningPlace reasoning = ReasoningPlace::none;
};

struct ModelChatSettings {
  /// Passed to the template beside the messages, as transformers does: {"enable_thinking": false}, {"tools": […]}.
  Json template_values = Json::object();
  std::int64_t now = 0;  ///< seconds since 1970, for templates that write the date
};

/// Value. Not for several threads at once (the tokenizer is not).
class ModelChat {
 public:
  /// Errc::usage if the template is beyond the subset, or bos/eos are no tokens.
  static Result<ModelChat> create(BpeTokenizer tokenizer, ChatFormat format, ModelChatSettings settings = {});

  /// The prompt that generation goes on from. At most one BOS stands at its beginning.
  Result<std::vector<TokenId>> prompt(const Json& messages) const;
  /// Prompt and completion. The ids before learned_from are the same as prompt()'s wherever the template writes the
  /// prompt alike in both (learning then goes on exactly where generation will). Errc::usage if the template refuses
  /// the messages, changes or drops the answer, or writes no end-of-turn token after it.
  Result<ModelRow> row(const Json& messages, const Completion& completion) const;

  /// As text, for tests and for showing.
  Result<jinja::Text> render(const Json& messages, bool add_generation_prompt) const;

  const BpeTokenizer& tokenizer() const { return tokenizer_; }
  const ChatFormat& format() const { return format_; }
  bool is_end(TokenId id) const;

 private:
  explicit ModelChat(BpeTokenizer tokenizer) : tokenizer_(std::move(tokenizer)) {}
  Result<jinja::Text> render(const jinja::Value& messages, bool add_generation_prompt) const;
  Result<jinja::Text> render_row(const Json& messages, const Completion& completion, const jinja::Text& prompt,
                                 std::size_t& begin, ReasoningPlace& place) const;
  void encode(const jinja::Text& text, std::vector<TokenId>& ids) const;

  BpeTokenizer tokenizer_;
  ChatFormat format_;
  ModelChatSettings settings_;
  std::optional<jinja::Template> template_;
};

}  // namespace retort
