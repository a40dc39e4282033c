// Which language is this? For answers in another language than their prompt, and reasoning that changes language on the
// way, both known faults of models trained by reinforcement learning. The model is CLD2 (naive Bayes over four-letter
// sequences, and over characters for Chinese, Japanese and Korean); what it must not read (code, formulas, links) is
// taken away before.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/curate/audit/audit.h"

namespace retort {

struct LanguageShare {
  std::string language;  ///< ISO 639-1 where there is one: "en", "zh"
  double share = 0;      ///< of the letters, in [0, 1]
};

struct LanguageFinding {
  std::string language;               ///< of most of the text; empty where it cannot be told
  std::vector<LanguageShare> shares;  ///< of at most three languages, the largest first
  double letters = 0;                 ///< how much was read: ideographs count three
};

/// The prose of a text: without fenced and inline code, formulas, links and markup. Spaces stand for what is taken.
std::string prose_of(std::string_view text);

/// Never throws; short and wordless texts have no language.
LanguageFinding language_of(std::string_view text);

struct LanguageSettings {
  double letters_min = 24;    ///< below this no language is told: more misses short answers, less guesses
  double mixed_share = 0.20;  ///< a second language of this share makes reasoning mixed
};

/// Values "other_language" (the answer's is not the prompt's, and the prompt asked for no other), "mixed_reasoning".
/// The score is the share of the answer (of the reasoning) that is in the other language.
class LanguageAudit : public Audit {
 public:
  explicit LanguageAudit(LanguageSettings settings = {}) : settings_(settings) {}
  std::string kind() const override { return "language"; }
  Label judge(const Answered& pair) const override;

 protected:
  int version() const override { return 1; }
  Json settings() const override;

 private:
  LanguageSettings settings_;
};

}  // namespace retort
