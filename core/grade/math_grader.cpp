#include "core/grade/math_grader.h"

#include <algorithm>
#include <array>
#include <utility>

#include "core/base/text.h"
#include "core/grade/final_answer.h"
#include "core/grade/math_equal.h"
#include "core/grade/text_graders.h"

namespace retort {
namespace {

constexpr std::size_t kShown = 80;

std::string quoted(std::string_view text) { return "'" + shortened(on_one_line(text), kShown) + "'"; }

bool is_mathematics(std::string_view text) {
  const auto math = parse_math(text);
  return math && (*math)->kind != MathNode::Kind::text;
}

// The last formula that is marked as one.
std::string_view last_formula(std::string_view line) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 4> kMarks = {
      {{"$$", "$$"}, {"\\[", "\\]"}, {"\\(", "\\)"}, {"$", "$"}}};
  std::string_view best;
  for (const auto& [open, close] : kMarks) {
    const std::size_t end = line.rfind(close);
    if (end == std::string_view::npos || end == 0) continue;
    const std::size_t begin = line.rfind(open, end - 1);
    if (begin == std::string_view::npos || begin + open.size() > end) continue;
    const std::string_view inside = trimmed(line.substr(begin + open.size(), end - begin - open.size()));
    if (!inside.empty() && (best.empty() || inside.data() > best.data())) best = inside;
  }
  return best;
}

bool in_number(char c) { return (c >= '0' && c <= '9') || c == '.' || c == ',' || c == '/'; }

std::string_view last_number(std::string_view line) {
  const std::size_t last = line.find_last_of("0123456789");
  if (last == std::string_view::npos) return {};
  std::size_t begin = last;
  while (begin > 0 && in_number(line[begin - 1])) --begin;
  while (begin < last && !(line[begin] >= '0' && line[begin] <= '9') && line[begin] != '.') ++begin;
  if (begin > 0 && line[begin - 1] == '-') --begin;
  const std::size_t end = last + (last + 1 < line.size() && line[last + 1] == '%' ? 2 : 1);
  return line.substr(begin, end - begin);
}

std::string_view bare(std::string_view text) {
  for (bool again = true; again;) {
    again = false;
    text = trimmed(text);
    for (const std::string_view mark : {"**", "$$", "$", "\\(", "\\[", "`"}) {
      if (text.starts_with(mark)) text.remove_prefix(mark.size()), again = true;
    }
    for (const std::string_view mark : {"**", "$$", "$", "\\)", "\\]", ".", "`"}) {
      if (text.ends_with(mark)) text.remove_suffix(mark.size()), again = true;
    }
  }
  return text;
}

class MathGrader final : public PureGrader {
 public:
  Grade grade(const GradeInput& input) const override {
    const std::string_view wanted = final_mathematics(input.reference);
    if (wanted.empty()) return {Grade::Kind::ungradable, 0, "there is no reference", {}};
    const std::string_view found = final_mathematics(input.answer);
    const auto verdict = [&](Grade::Kind kind, const std::string& why) {
      return Grade{kind, kind == Grade::Kind::right ? 1.0 : 0.0, quoted(found) + " " + why + " " + quoted(wanted),
                   std::string(found)};
    };
    if (found == wanted) return verdict(Grade::Kind::right, "is, to the letter,");
    const auto reference = parse_math(wanted);
    if (!reference) {
      if (normalised_text(found) == normalised_text(wanted)) return verdict(Grade::Kind::right, "reads the same as");
      return {Grade::Kind::ungradable, 0,
              "the reference " + quoted(wanted) + " cannot be read: " + reference.error().message, std::string(found)};
    }
    const auto answer = parse_math(found);
    if (!answer) {
      return {
          Grade::Kind::wrong, 0,
          quoted(found) + " cannot be read as mathematics: " + answer.error().message + "; wanted " + quoted(wanted),
          std::string(found)};
    }
    return math_equal(*answer, *reference) ? verdict(Grade::Kind::right, "equals")
                                           : verdict(Grade::Kind::wrong, "does not equal");
  }
  std::string digest() const override { return "math/1"; }
};

}  // namespace

std::string_view final_mathematics(std::string_view text) {
  const FinalAnswer answer = final_answer(text);
  if (answer.mark == FinalAnswer::Mark::boxed) return answer.text;
  const std::string_view line = bare(answer.text);
  if (is_mathematics(line)) return line;
  if (const std::string_view formula = last_formula(answer.text); !formula.empty()) return formula;
  for (const std::string_view word : {" is ", " are ", " equals ", ": ", "= "}) {
    const std::size_t at = line.rfind(word);
    if (at == std::string_view::npos) continue;
    if (const std::string_view after = bare(line.substr(at + word.size())); is_mathematics(after)) return after;
  }
  // Words are an answer as they stand; in a sentence it is the number that counts.
  const auto math = parse_math(line);
  if (math) return line;
  const std::string_view number = last_number(line);
  return number.empty() ? line : number;
}

std::unique_ptr<Grader> math_grader() { return std::make_unique<MathGrader>(); }

}  // namespace retort
