// Which language is this? For answers in another language than their prompt, and reasoning that changes language on the
// way, both known faults of models trained by reinforcement learning. The model is CLD2 (naive Bayes over sequences of
// four letters, and over characters for Chinese, Japanese and Korean); what it must not read (code, formulas, links) is
// taken away before.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/curate/audit/audit.h"

namespace retort {

struct LanguageShare {
  std::string language;  ///< ISO 639-1 where there is one: "en", "zh"
  double share = 0;      ///< of the text that was read, in [0, 1]
};

struct LanguageFinding {
  std::vector<LanguageShare> shares;  ///< of at most three languages, the largest first; empty: cannot be told
  double letters = 0;                 ///< how much was read: an ideograph counts three
  bool sure = false;                  ///< CLD2's own word on the first

  /// Of most of the text; empty where it cannot be told.
  std::string language() const { return shares.empty() ? std::string() : shares.front().language; }
  double share_of(std::string_view language) const;
};

/// The prose of a text: without fenced and inline code, formulas, links and tags. A space stands for what is taken.
std::string prose_of(std::string_view text);

/// Any bytes will do. Languages that are easily taken for each other (Norwegian and Danish, Malay and Indonesian, …)
/// are told as one of them.
LanguageFinding language_of(std::string_view text);

/// The languages of the sentences, by their letters: finds a change of language that the text as a whole hides. Only
/// sentences long enough to be told count.
LanguageFinding languages_of_sentences(std::string_view text);

struct LanguageSettings {
  double letters_min = 24;         ///< below this no language is told: more misses short answers, less guesses
  double prompt_letters_min = 40;  ///< the same of a prompt, where an error costs a good answer
  double other_share = 0.6;        ///< of the answer that must be in another language than the prompt
  double mixed_share = 0.15;       ///< a second language of this share makes reasoning mixed
};

/// Values "other_language" (the answer's is not the prompt's, and the prompt asked for no other), "mixed_reasoning".
/// The score is the share of the answer (of the reasoning) that is in the other language.
class LanguageAudit : public Audit {
 public:
  explicit LanguageAudit(LanguageSettings settings = {}) : settings_(settings) {}
  std::string kind() const override { return "language"; }
  std::vector<std::string> values() const override { return {"other_language", "mixed_reasoning"}; }
  Label judge(const Answered& pair) const override;

 protected:
  int version() const override { return 1; }
  Json settings() const override;

 private:
  LanguageSettings settings_;
};

}  // namespace retort
