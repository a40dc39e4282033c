// Cuts text into words before BPE, by regular expressions as Hugging Face's tokenizers write them.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"
#include "core/text/word_scanners.h"

namespace retort {

/// Words as Qwen2 cuts them: contractions, letters with one sign before them, EVERY DIGIT ALONE, signs, white space.
/// Digits alone are what lets a small student learn to calculate.
extern const std::string_view kDigitsAlonePattern;
/// GPT-2's own, which tokenizer.json means by ByteLevel with use_regex.
extern const std::string_view kGpt2Pattern;
extern const std::string_view kLlama3Pattern, kQwen35Pattern;
/// What tokenizer.json means by Digits, with individual_digits and without.
extern const std::string_view kDigitPattern, kDigitRunPattern;

/// Copies share what is compiled. Not for several threads at once.
class PreTokenizer {
 public:
  /// One or more patterns: each cuts what the one before it has left. Errc::usage if a pattern is no regular
  /// expression, or uses what PCRE2 and Oniguruma (which Python's `tokenizers` uses) understand differently.
  static Result<PreTokenizer> compile(std::vector<std::string> patterns);

  /// Calls `word(std::string_view)` with every part of `text`, in order, leaving nothing out: what lies between
  /// matches is a word too. `text` must be valid UTF-8.
  template <class Word>
  void split(std::string_view text, Word&& word) const {
    split_from(0, text, word);
  }

 private:
  struct Regex;
  struct Step {
    WordScanner scan = nullptr;    // or
    std::shared_ptr<Regex> regex;  // one of both
  };
  // Where the word at `at` ends. `pending` carries a match found beyond the word, from call to call.
  static std::size_t regex_word(const Regex& regex, std::string_view text, std::size_t at, std::size_t& pending);

  template <class Word>
  void split_from(std::size_t index, std::string_view text, Word& word) const {
    const Step& step = steps_[index];
    const bool last = index + 1 == steps_.size();
    std::size_t pending = 0;
    for (std::size_t at = 0; at < text.size();) {
      const std::size_t end =
          step.scan != nullptr ? step.scan(text.data(), at, text.size()) : regex_word(*step.regex, text, at, pending);
      if (last) {
        word(text.substr(at, end - at));
      } else {
        split_from(index + 1, text.substr(at, end - at), word);
      }
      at = end;
    }
  }

  friend struct PreTokenizerTest;
  std::vector<Step> steps_;
};

/// For tests: the same with every pattern given to PCRE2, as if no scanner were known.
struct PreTokenizerTest {
  static Result<PreTokenizer> without_scanners(std::vector<std::string> patterns);
};

}  // namespace retort
