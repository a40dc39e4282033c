#include "core/curate/audit/completeness.h"

#include <algorithm>
#include <array>
#include <cstddef>

#include "core/base/text.h"
#include "core/curate/words.h"

namespace retort {
namespace {

constexpr std::size_t kLineBytesMin = 60;   // a shorter last line may be a signature, a heading, a list item
constexpr std::size_t kTextBytesMin = 200;  // a shorter text may be a phrase by intent

std::size_t count_of(std::string_view text, std::string_view word) {
  std::size_t count = 0;
  for (std::size_t at = text.find(word); at != std::string_view::npos; at = text.find(word, at + word.size())) ++count;
  return count;
}

// Lines that open or close a block of code; the text without such blocks goes to `outside`.
bool has_open_fence(std::string_view text, std::string& outside) {
  bool open = false;
  std::string_view mark;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = trimmed(text.substr(0, end));
    const std::string_view fence = line.starts_with("```") ? "```" : line.starts_with("~~~") ? "~~~" : "";
    if (!fence.empty() && (!open || fence == mark)) {
      // A fence that opens and closes on its own line is none.
      if (open || line.find(fence, 3) == std::string_view::npos) open = !open;
      mark = fence;
    } else if (!open) {
      outside += line;
      outside += '\n';
    }
    text.remove_prefix(std::min(text.size(), end + 1));
  }
  return open;
}

bool has_open_math(std::string_view text) {
  if (count_of(text, "\\[") > count_of(text, "\\]") + count_of(text, "\\\\[")) return true;
  if (count_of(text, "$$") % 2 == 1) return true;
  return count_of(text, "\\begin{") > count_of(text, "\\end{");
}

// Words after which no sentence of the five languages ends.
constexpr std::array<std::string_view, 42> kNeverLast = {
    "the", "a",   "an",   "of",  "and", "or",  "because", "which", "with", "from", "their", "your", "our",  "is",
    "are", "und", "oder", "der", "die", "das", "den",     "dem",   "ein",  "eine", "mit",   "von",  "le",   "la",
    "les", "des", "du",   "et",  "un",  "une", "de",      "el",    "los",  "las",  "y",     "que",  "para", "con"};

bool ends_mid_sentence(std::string_view text) {
  text = trimmed(text);
  if (text.size() < kTextBytesMin) return false;
  const std::string_view line = text.substr(text.rfind('\n') + 1);  // npos + 1 is 0
  if (line.size() < kLineBytesMin || line.starts_with("|") || line.find("http") != std::string_view::npos) return false;
  for (const std::string_view ending : {",", "，", "、", "(", "（"}) {
    if (line.ends_with(ending)) return true;
  }
  const std::string last = lower_ascii(line.substr(line.rfind(' ') + 1));
  return std::find(kNeverLast.begin(), kNeverLast.end(), last) != kNeverLast.end();
}

}  // namespace

Label TruncationAudit::judge(const Answered& pair) const {
  if (pair.finish == Finish::length) return {"length", "the provider says it was cut at the token limit", 1};
  std::string outside;
  if (has_open_fence(pair.text, outside)) return {"open_fence", "a block of code is not closed", 0.9};
  if (has_open_math(outside)) return {"open_math", "a formula is not closed", 0.8};
  if (ends_mid_sentence(pair.text)) return {"mid_sentence", "the text ends within a sentence", 0.8};
  return {};
}

Label EmptyAudit::judge(const Answered& pair) const {
  if (pair.tool_calls) return {};
  const std::string_view text = trimmed(pair.text);
  if (text.empty() && !trimmed(pair.reasoning).empty())
    return {"reasoning_only", "there is reasoning and no answer", 1};
  if (text.empty()) return {"empty", "there is no answer", 1};
  Words words;
  read_words(text.substr(0, 4096), words);
  const bool emoji =
      std::any_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) >= 0xF0; });
  if (words.size() == 0 && !emoji && text.size() <= 4096) return {"no_words", "the answer has no words", 1};
  return {};
}

}  // namespace retort
