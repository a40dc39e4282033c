// A judge behind the port: what it is asked, what its replies mean, and what is not to be remembered.
#include "core/grade/make_grader.h"
#include "tests/catch.h"

namespace retort {
namespace {

class ScriptedJudge final : public Judge {
 public:
  explicit ScriptedJudge(std::vector<std::optional<std::string>> replies) : replies_(std::move(replies)) {}
  Result<std::vector<std::optional<std::string>>> ask(std::span<const Case> cases) override {
    if (replies_.empty()) return fail(Errc::quota, "the cap is reached");
    REQUIRE(cases.size() == replies_.size());
    for (const Case& one : cases) CHECK(one.messages.size() == 2);
    return replies_;
  }
  std::string digest() const override { return "judge-1"; }

 private:
  std::vector<std::optional<std::string>> replies_;
};

GraderTools tools_with(std::vector<std::optional<std::string>> replies) {
  GraderTools tools;
  tools.open_judge = [replies](const std::string& teacher) -> Result<std::unique_ptr<Judge>> {
    if (teacher != "r1") return fail(Errc::usage, "no teacher '" + teacher + "'");
    return std::unique_ptr<Judge>(std::make_unique<ScriptedJudge>(replies));
  };
  tools.read_file = [](const std::string& path) -> Result<std::string> {
    return path == "empty" ? std::string(" \n") : "Points for brevity.";
  };
  return tools;
}

TEST_CASE("a judge's verdicts are grades; what it could not be asked is not remembered", "[unit][grade]") {
  const auto grader = make_grader("judge:r1", tools_with({"Fine.\nVERDICT: RIGHT", "SCORE: 2", "Hm.", std::nullopt}));
  REQUIRE_OK(grader);
  CHECK_FALSE((*grader)->pure());
  const std::vector<GradeInput> inputs(4, GradeInput{nullptr, "4", "", "4", nullptr});
  const auto grades = (*grader)->grade_all(inputs);
  REQUIRE_OK(grades);
  CHECK((*grades)[0].kind == Grade::Kind::right);
  CHECK((*grades)[1].kind == Grade::Kind::wrong);
  CHECK((*grades)[2].kind == Grade::Kind::ungradable);
  CHECK((*grades)[2].asked);
  CHECK((*grades)[3].kind == Grade::Kind::ungradable);
  CHECK_FALSE((*grades)[3].asked);
}

TEST_CASE("a judge is named, known, and told apart by its rubric", "[unit][grade]") {
  const auto tools = tools_with({});
  CHECK(make_grader("judge", tools).error().code == Errc::usage);
  CHECK(make_grader("judge:", tools).error().code == Errc::usage);
  CHECK(make_grader("judge:r2", tools).error().message == "no teacher 'r2'");
  CHECK(make_grader("judge:r1", {}).error().code == Errc::usage);
  CHECK(make_grader("judge:r1:empty", tools).error().code == Errc::usage);
  const auto plain = make_grader("judge:r1", tools), strict = make_grader("judge:r1:strict.txt", tools);
  REQUIRE_OK(plain);
  REQUIRE_OK(strict);
  CHECK((*plain)->digest() != (*strict)->digest());
  const std::vector<GradeInput> one(1);
  CHECK((*plain)->grade_all(one).error().code == Errc::quota);
}

}  // namespace
}  // namespace retort
