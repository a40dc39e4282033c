// The one chat template, for training and for generation:
//
//   <|system|>…<|end|><|user|>…<|end|><|assistant|><think>reasoning</think>answer<|end|>
//
// Role and end marks are tokens of their own, and what people or teachers wrote never becomes one of them. What is to
// be learned is known by construction, never found by searching. There is no BOS: a row begins with its first role.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/base/json.h"
#include "core/base/result.h"
#include "core/text/bpe_tokenizer.h"

namespace retort {

/// What a teacher answered, or a student is to answer.
struct Completion {
  std::string reasoning;  ///< may be empty: then no <think> is written
  std::string text;
};

/// Rendered text in parts: a part is either one mark or text from outside.
struct RenderedChat {
  struct Part {
    std::string text;
    bool mark = false;
    bool learned = false;
  };
  std::vector<Part> parts;

  std::string text() const;
  /// The part to be learned: everything after the last <|assistant|>, the end mark included. Empty for a prompt.
  ByteSpan learned() const;
};

/// The marks, to be given to BpeTrainer. <think> and </think> are no special tokens: they are part of the text.
std::vector<AddedToken> chat_marks();

/// Messages as OpenAI writes them: roles system (or developer), user, assistant; content a text or text parts.
/// Ends with <|assistant|>: what generation goes on from. Errc::usage names what is not understood.
Result<RenderedChat> render_prompt(const Json& messages);
/// The prompt and the completion, whose bytes are what is learned.
Result<RenderedChat> render_pair(const Json& messages, const Completion& completion);

/// A row for the trainer: tokens from `learned_from` on are what is learned; as many as `ids` if nothing is.
struct ChatTokens {
  std::vector<TokenId> ids;
  std::size_t learned_from = 0;
};

/// A tokenizer together with the template's marks in it.
class ChatTokenizer {
 public:
  /// Errc::usage if a mark is no added token of the tokenizer.
  static Result<ChatTokenizer> create(BpeTokenizer tokenizer);

  ChatTokens encode(const RenderedChat& chat) const;
  /// What a student wrote, the end mark left out, taken apart again. An unclosed <think> is all reasoning.
  Completion parse(std::span<const TokenId> generated) const;

  TokenId end() const { return end_; }
  const BpeTokenizer& tokenizer() const { return tokenizer_; }

 private:
  explicit ChatTokenizer(BpeTokenizer tokenizer) : tokenizer_(std::move(tokenizer)) {}
  BpeTokenizer tokenizer_;
  TokenId end_ = 0, think_ = 0, think_end_ = 0;
};

/// This template in Jinja.
std::string_view own_chat_template();
/// tokenizer_config.json for other tools, with this template in Jinja.
std::string tokenizer_config_json(std::size_t context);

}  // namespace retort
