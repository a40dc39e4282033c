// `command:…`: any program of the user's that reads JSON lines and writes verdicts.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "core/base/result.h"
#include "core/grade/grader.h"
#include "core/grade/line_program.h"

namespace retort {

/// One line for the program: {"id": 7, "messages": …, "answer": …, "reasoning": …, "reference": …, "metadata": …}.
std::string command_question(const GradeInput& input, std::int64_t id);

/// Its reply: {"id": 7, "verdict": "right" | "wrong" | "ungradable"} or {"id": 7, "score": 0 … 1} (right from 0.5 on,
/// or as `verdict` says), with "reason" and "extracted" if it likes. `id` may be left out; then order counts.
/// Errc::usage says what is wrong with it.
Result<Grade> parse_command_reply(std::string_view line, std::int64_t id);

/// Starts the command with the first question and keeps it running; one reply may take `timeout`. `digest()` covers the
/// command line, not the files it reads: change the command (a comment will do) when they change.
Result<std::unique_ptr<Grader>> command_grader(std::string_view command, StartLineProgram start,
                                               Duration timeout = std::chrono::seconds(60));

}  // namespace retort
