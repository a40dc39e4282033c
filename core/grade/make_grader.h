// From what a person types (`--grader SPEC`, a recipe's `grader = "SPEC"`) to a grader.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "core/grade/grader.h"
#include "core/grade/judge.h"
#include "core/grade/line_program.h"
#include "core/grade/sandbox.h"

namespace retort {

/// What graders may need of the world. Every member may be empty; a spec that needs a missing one is refused.
struct GraderTools {
  Sandbox* sandbox = nullptr;                                             ///< for `code`; must outlive the grader
  StartLineProgram start_program;                                         ///< for `command:…`
  std::function<Result<std::string>(const std::string& path)> read_file;  ///< for `json-schema:FILE`, a rubric
  OpenJudge open_judge = {};                                              ///< for `judge:…`
};

/// The grader that `spec` names: a kind, and after a colon its setting. docs/graders.md describes each:
///
///   exact               the final answer is the reference, to the letter
///   text                the same, regardless of case, punctuation around it and white space
///   number              the same quantity, whatever its separators, percent and unit
///   math                final answers as in MATH and AIME that mean the same
///   choice              the letter of a multiple choice
///   regex:PATTERN       the pattern matches (`regex`: the reference is the pattern)
///   json-schema:FILE    JSON of that shape (`json-schema`: the reference is the schema)
///   code:LANGUAGE       a program that passes its tests in the sandbox: python (also `code`), sh
///   command:COMMAND     whatever a program of the user's says, which reads and writes JSON lines
///   judge:TEACHER       what another teacher says (`judge:TEACHER:FILE`: by the rubric in the file)
///
/// Errc::usage says what is wrong with the spec and what there is.
Result<std::unique_ptr<Grader>> make_grader(std::string_view spec, const GraderTools& tools);

}  // namespace retort
