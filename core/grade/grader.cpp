#include "core/grade/grader.h"

namespace retort {

std::string_view verdict_word(Verdict::Kind kind) {
  switch (kind) {
    case Verdict::Kind::right:
      return "right";
    case Verdict::Kind::wrong:
      return "wrong";
    case Verdict::Kind::ungradable:
      break;
  }
  return "ungradable";
}

Result<std::vector<Verdict>> PureGrader::grade_all(std::span<const GradeInput> inputs) {
  std::vector<Verdict> verdicts;
  verdicts.reserve(inputs.size());
  for (const GradeInput& input : inputs) verdicts.push_back(grade(input));
  return verdicts;
}

}  // namespace retort
