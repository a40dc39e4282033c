// The grader behind `judge:TEACHER`: makes the questions, has them asked, reads the replies.
#include "core/base/hash.h"
#include "core/grade/judge.h"

namespace retort {
namespace {

class JudgeGrader final : public Grader {
 public:
  JudgeGrader(std::unique_ptr<Judge> judge, std::string rubric)
      : judge_(std::move(judge)), rubric_(std::move(rubric)) {}

  Result<std::vector<Grade>> grade_all(std::span<const GradeInput> inputs) override {
    std::vector<Judge::Case> cases;
    for (const GradeInput& input : inputs) {
      const Json none = Json::array();
      cases.push_back({judge_messages(input, rubric_),
                       sha256_hex(canonical_json(input.messages != nullptr ? *input.messages : none))});
    }
    const auto replies = judge_->ask(cases);
    if (!replies) return fail(replies.error());
    std::vector<Grade> grades;
    for (const std::optional<std::string>& reply : *replies) {
      if (reply) {
        grades.push_back(parse_judgement(*reply));
      } else {
        grades.push_back({Grade::Kind::ungradable, 0, "the judge gave no answer: its request failed", {}, false});
      }
    }
    return grades;
  }
  bool pure() const override { return false; }
  std::string digest() const override { return judge_digest(rubric_) + "/" + judge_->digest(); }

 private:
  std::unique_ptr<Judge> judge_;
  std::string rubric_;
};

}  // namespace

Result<std::unique_ptr<Grader>> judge_grader(const std::string& teacher, std::string rubric, const OpenJudge& open) {
  if (teacher.empty()) return fail(Errc::usage, "the grader judge wants a teacher: judge:NAME of the configuration");
  if (!open) return fail(Errc::usage, "no teacher can be asked for the grader judge here");
  auto judge = open(teacher);
  if (!judge) return fail(judge.error());
  return std::unique_ptr<Grader>(std::make_unique<JudgeGrader>(std::move(*judge), std::move(rubric)));
}

}  // namespace retort
