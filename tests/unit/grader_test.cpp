#include "core/grade/make_grader.h"
#include "core/grade/text_graders.h"
#include "tests/catch.h"

namespace retort {
namespace {

Grade grade_one(Grader& grader, std::string_view answer, std::string_view reference) {
  GradeInput input;
  input.answer = answer;
  input.reference = reference;
  const auto verdicts = grader.grade_all({&input, 1});
  REQUIRE_OK(verdicts);
  REQUIRE(verdicts->size() == 1);
  return verdicts->front();
}

std::string word(std::string_view spec, std::string_view answer, std::string_view reference) {
  const auto grader = make_grader(spec, {});
  REQUIRE_OK(grader);
  return std::string(grade_word(grade_one(**grader, answer, reference).kind));
}

}  // namespace

TEST_CASE("a spec names a grader or says what there is", "[grade]") {
  CHECK(make_grader("nonsense", {}).error().message.starts_with("there is no grader 'nonsense'; there are: exact, "));
  CHECK(make_grader("exact:7", {}).error().message == "the grader 'exact' takes no setting after a colon");
  const auto grader = make_grader("exact", {});
  REQUIRE_OK(grader);
  CHECK((*grader)->pure());
  CHECK((*grader)->digest() != (*make_grader("text", {}))->digest());
}

TEST_CASE("exact is to the letter, text as people read", "[grade]") {
  CHECK(word("exact", "so\nAnswer: Paris", "Paris") == "right");
  CHECK(word("exact", "so\nAnswer: paris", "Paris") == "wrong");
  CHECK(word("exact", "Paris", "") == "ungradable");
  CHECK(word("text", "so the answer is **The  Eiffel tower**.", "Eiffel Tower") == "right");
  CHECK(word("text", "It is \\boxed{\"Paris\"} indeed", "paris") == "right");
  CHECK(word("text", "-3", "3") == "wrong");
  CHECK(word("text", "A", "a") == "right");
  CHECK(word("text", "A", "b") == "wrong");
  const auto text = text_grader();
  const Grade verdict = grade_one(*text, "Answer: Lyon", "Paris");
  CHECK(verdict.reason == "'Lyon' is not 'Paris'");
  CHECK(verdict.extracted == "Lyon");
  CHECK(verdict.score == 0);
}

}  // namespace retort
