// A teacher as a grader: the question that asks it, and what its reply says. Asking goes through the harvester like any
// request, so that a judgement is paid for once: `Judge` is the port to it.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
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

/// A teacher that can be asked. An Error means that nothing more can be asked: a cap, a quota, the user, the disk.
class Judge {
 public:
  virtual ~Judge() = default;
  struct Case {
    Json messages;
    std::string judged;  ///< digest of the prompt whose answer is judged
  };
  /// The text of each reply, in order; nothing where the question failed for good.
  virtual Result<std::vector<std::optional<std::string>>> ask(std::span<const Case> cases) = 0;
  /// Of dialect, model and parameters: another one may judge otherwise.
  virtual std::string digest() const = 0;
};
/// Errc::usage if there is no teacher of that name.
using OpenJudge = std::function<Result<std::unique_ptr<Judge>>(const std::string& teacher)>;

/// Grades by what that teacher says. An empty rubric is the default one.
Result<std::unique_ptr<Grader>> judge_grader(const std::string& teacher, std::string rubric, const OpenJudge& open);

}  // namespace retort
