#include "core/grade/text_graders.h"

#include <array>
#include <vector>

#include "core/base/text.h"
#include "core/grade/exact_match.h"
#include "core/grade/final_answer.h"

namespace retort {
namespace {

constexpr std::size_t kShown = 80;

std::string quoted(std::string_view text) { return "'" + shortened(on_one_line(text), kShown) + "'"; }

Grade ruling(bool right, std::string_view found, std::string_view reference) {
  return {right ? Grade::Kind::right : Grade::Kind::wrong, right ? 1.0 : 0.0,
          quoted(found) + (right ? " is " : " is not ") + quoted(reference), std::string(found)};
}

class ExactGrader final : public PureGrader {
 public:
  Grade grade(const GradeInput& input) const override {
    const std::string_view reference = trimmed(input.reference);
    if (reference.empty()) return {Grade::Kind::ungradable, 0, "there is no reference", {}};
    return ruling(exact_match(input.answer, reference), final_answer(input.answer).text, reference);
  }
  std::string digest() const override { return "exact/1"; }
};

class TextGrader final : public PureGrader {
 public:
  Grade grade(const GradeInput& input) const override {
    const std::string reference = normalised_text(final_answer(input.reference).text);
    if (reference.empty()) return {Grade::Kind::ungradable, 0, "there is no reference", {}};
    const std::string_view found = final_answer(input.answer).text;
    const bool right = normalised_text(found) == reference || normalised_text(input.answer) == reference;
    return ruling(right, found, trimmed(input.reference));
  }
  std::string digest() const override { return "text/1"; }
};

// Marks that people put around a short answer; multibyte ones are quotation marks.
constexpr std::array<std::string_view, 22> kAround = {".", ",", ";", ":", "!", "?", "\"", "'", "`",  "*", "_",
                                                      " ", "“", "”", "‘", "’", "„", "«",  "»", "。", "¡", "¿"};

std::string_view without_marks(std::string_view text) {
  for (bool again = true; again;) {
    again = false;
    for (const std::string_view mark : kAround) {
      if (text.starts_with(mark)) text.remove_prefix(mark.size()), again = true;
      if (text.ends_with(mark)) text.remove_suffix(mark.size()), again = true;
    }
  }
  return text;
}

}  // namespace

std::string normalised_text(std::string_view text) {
  const std::string line = on_one_line(lower_ascii(text));
  std::string result;
  for (std::size_t at = 0; at < line.size();) {
    std::size_t end = line.find(' ', at);
    if (end == std::string::npos) end = line.size();
    const std::string_view word = without_marks(std::string_view(line).substr(at, end - at));
    at = end + 1;
    if (word.empty() || word == "the" || word == "a" || word == "an") continue;
    if (!result.empty()) result += ' ';
    result += word;
  }
  // An answer of nothing but marks or articles is what it is ("A" as a grade).
  return result.empty() ? std::string(trimmed(line)) : result;
}

std::unique_ptr<Grader> exact_grader() { return std::make_unique<ExactGrader>(); }
std::unique_ptr<Grader> text_grader() { return std::make_unique<TextGrader>(); }

}  // namespace retort
