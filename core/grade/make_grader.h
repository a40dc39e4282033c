// From what a person types (`--grader SPEC`, a recipe's `grader = "SPEC"`) to a grader.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "core/grade/grader.h"
#include "core/grade/line_program.h"
#include "core/grade/sandbox.h"

namespace retort {

/// What graders may need of the world. Every member may be empty; a spec that needs a missing one is refused.
struct GraderTools {
  Sandbox* sandbox = nullptr;                                             ///< for `code`; must outlive the grader
  StartLineProgram start_program;                                         ///< for `command:…`
  std::function<Result<std::string>(const std::string& path)> read_file;  ///< for `json-schema:FILE`
};

/// The grader that `spec` names: a kind, and after a colon its setting. docs/graders.md describes each:
///
///   exact          the final answer is the reference, to the letter
///   text           the same, regardless of case, punctuation around it and white space
///
/// Errc::usage says what is wrong with the spec and what there is.
Result<std::unique_ptr<Grader>> make_grader(std::string_view spec, const GraderTools& tools);

}  // namespace retort
