// A teacher as a grader: the question that asks it, and what its reply says. Asking goes through the harvester like any
// request, so that a judgement is paid for once; both functions here are pure.
#pragma once

#include <string>
#include <string_view>

#include "core/base/json.h"
#include "core/grade/grader.h"

namespace retort {

/// The rubric used where none is given: right means that the final answer means the same as the reference.
extern const std::string_view kDefaultRubric;

/// The messages to send: a system message with the rules and the rubric, and one user message with the prompt, the
/// reference (if there is one) and the answer, each between lines that nothing inside can forge: they carry a digest of
/// what they hold. The reasoning is not shown: a judge should see what a user sees.
Json judge_messages(const GradeInput& input, std::string_view rubric);

/// Reads the last line that says "VERDICT: RIGHT", "VERDICT: WRONG", "VERDICT: UNSURE", or "SCORE: 0 … 10" (right from
/// 5 on). A reply without one is ungradable, and its end is the reason.
Grade parse_judgement(std::string_view reply);

/// Of rubric and version. With the digest of the judging teacher's request it names a label's origin.
std::string judge_digest(std::string_view rubric);

}  // namespace retort
