// How a student reads and writes conversations: one that exists speaks by its own chat template, one from scratch by
// ours. Training, generation and evaluation all go through here, so that they cannot differ.
#pragma once

#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "core/text/chat_template.h"
#include "core/text/model_chat.h"
#include "core/weights/model_config.h"

namespace retort {

/// Value. Not for several threads at once (the tokenizer is not).
class StudentChat {
 public:
  /// Of a run, a model folder or a .gguf file. `template_text`, if it is not empty, is used instead of the model's own.
  /// Errc::usage if the tokenizer or the template is beyond what is understood, or a plain question with its answer
  /// cannot be written in it.
  static Result<StudentChat> open(const std::string& path, const std::string& template_text = {});
  /// With our own template.
  static StudentChat own(ChatTokenizer chat);

  /// What generation goes on from. Errc::usage names what the template does not take.
  Result<std::vector<TokenId>> prompt(const Json& messages) const;
  /// What is learned ends with the token that ends the turn. Errc::usage as above, and for an answer that the template
  /// changes or drops.
  Result<ChatTokens> row(const Json& messages, const Completion& completion) const;
  /// What was written after the prompt, up to the first end, taken apart again.
  Completion parse(std::span<const TokenId> prompt, std::span<const TokenId> generated) const;

  const BpeTokenizer& tokenizer() const;
  bool is_end(TokenId id) const;
  /// Tells the configuration every token that ends a turn, the template's own among them; and learns those it knew.
  void join_end_tokens(ModelConfig& config);

  /// tokenizer.json, tokenizer_config.json (the template is in it) and generation_config.json, each name with its text.
  std::vector<std::pair<std::string, std::string>> files(const ModelConfig& config) const;

 private:
  explicit StudentChat(std::variant<ChatTokenizer, ModelChat> chat) : chat_(std::move(chat)) {}
  Result<void> find_turn_end();
  std::string tokenizer_config(const ModelConfig& config) const;

  std::variant<ChatTokenizer, ModelChat> chat_;
  std::vector<TokenId> ends_;  ///< the first is the one that rows end with
  /// What stood beside the model's tokenizer, to be written again.
  Json tokenizer_config_ = Json::object(), generation_config_ = Json::object();
};

}  // namespace retort
