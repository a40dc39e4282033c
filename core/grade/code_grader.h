// `code`: a program that passes its tests, in the sandbox.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "core/base/result.h"
#include "core/grade/grader.h"
#include "core/grade/sandbox.h"

namespace retort {

/// The program in an answer: its last fenced block that names the language, else its last block, else all of it.
std::string_view program_text(std::string_view answer, std::string_view language);

/// Grades programs in `language` ("python", or "sh"). Tests come from the prompt's metadata, else from the reference:
///
///   tests: [{"input": "1 2\n", "output": "3\n"}, …]   run with that on stdin; what it prints must be the output, white
///   space
///                                                    at the ends of lines aside; score is the share that passes
///   tests: "assert add(1, 2) == 3" or a list of such  Python run after the program in one process, as HumanEval and
///   MBPP (also `test`, `test_list`, with `entry_point`)   have it; `check(candidate)` is called if it is defined
///
/// A program that ends before its tests are through is wrong, whatever its exit code. It runs as an ordinary program
/// may: one that looks for its tests in its own process can find them, so tests by input and output are the safer kind.
/// Errc::usage for an unknown language. `sandbox` must outlive the grader.
Result<std::unique_ptr<Grader>> code_grader(std::string_view language, Sandbox* sandbox,
                                            const SandboxLimits& limits = {});

}  // namespace retort
