// Cuts text into words before BPE, by a regular expression as Hugging Face's tokenizers write them.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "core/base/result.h"

namespace retort {

/// Words as Qwen2 cuts them: contractions, letters with one sign before them, EVERY DIGIT ALONE, signs, white space.
/// Digits alone are what lets a small student learn to calculate.
extern const std::string_view kDigitsAlonePattern;
/// GPT-2's own, which tokenizer.json means by ByteLevel with use_regex.
extern const std::string_view kGpt2Pattern;

/// Copies share the compiled pattern. Not for several threads at once.
class PreTokenizer {
 public:
  /// Errc::usage if the pattern is no regular expression.
  static Result<PreTokenizer> compile(std::string_view pattern);

  const std::string& pattern() const { return pattern_; }

  /// Calls `word` with every part of `text`, in order, leaving nothing out: what lies between matches is a word
  /// too. `text` must be valid UTF-8.
  void split(std::string_view text, const std::function<void(std::string_view)>& word) const;

 private:
  struct Compiled;
  std::string pattern_;
  std::shared_ptr<Compiled> compiled_;
};

}  // namespace retort
