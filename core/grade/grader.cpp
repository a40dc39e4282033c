#include "core/grade/grader.h"

namespace retort {

std::string_view grade_word(Grade::Kind kind) {
  switch (kind) {
    case Grade::Kind::right:
      return "right";
    case Grade::Kind::wrong:
      return "wrong";
    case Grade::Kind::ungradable:
      break;
  }
  return "ungradable";
}

Result<std::vector<Grade>> PureGrader::grade_all(std::span<const GradeInput> inputs) {
  std::vector<Grade> verdicts;
  verdicts.reserve(inputs.size());
  for (const GradeInput& input : inputs) verdicts.push_back(grade(input));
  return verdicts;
}

}  // namespace retort
