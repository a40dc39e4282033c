// A user's command as it may behave: well, slowly, badly, or not at all.
#include "core/base/clock.h"
#include "core/grade/command_grader.h"
#include "core/process/shell_program.h"
#include "tests/catch.h"

namespace retort {
namespace {

const SystemClock& real_clock() {
  static const SystemClock made;
  return made;
}

Result<std::vector<std::string>> asked(const std::string& command, const std::vector<std::string>& lines,
                                       Duration timeout = 5s) {
  auto program = shell_programs(real_clock(), {})(command);
  REQUIRE_OK(program);
  return (*program)->exchange(lines, timeout);
}

std::string refusal(const std::string& command, Duration timeout = 5s) {
  const auto got = asked(command, {"a", "b"}, timeout);
  REQUIRE_FALSE(got);
  return got.error().message;
}

}  // namespace

TEST_CASE("a command that is kept running answers line by line", "[process]") {
  auto program = shell_programs(real_clock(), {})("while read line; do echo \"<$line>\"; done");
  REQUIRE_OK(program);
  CHECK(*(*program)->exchange({"a", "b"}, 5s) == std::vector<std::string>{"<a>", "<b>"});
  CHECK(*(*program)->exchange({"c"}, 5s) == std::vector<std::string>{"<c>"});
  CHECK((*program)->exchange({}, 5s)->empty());
  // More than both pipes hold, in both directions.
  const std::vector<std::string> many(200, std::string(5000, 'x'));
  const auto all = asked("cat", many);
  REQUIRE_OK(all);
  CHECK(*all == many);
}

TEST_CASE("how a command dies is said in one line", "[process]") {
  CHECK(refusal("read a; echo one; echo 'no such model' >&2; exit 3") ==
        "the grader's command ended with exit code 3 before it answered; its last words: no such model");
  CHECK(refusal("kill -9 $$") == "the grader's command died of signal 9");
  CHECK(refusal("sleep 30", 1s).starts_with("the grader's command was killed: it took longer than 1 s"));
  CHECK(refusal("/no/such/command").find("exit code 127") != std::string::npos);
  CHECK(refusal("exec >&-; sleep 2").starts_with("the grader's command closed its output"));
  CHECK(refusal("head -c 3000000 /dev/zero").starts_with("the grader's command wrote a line of more than 1 MiB"));
}

TEST_CASE("the verdicts of a command are taken, and its death is final", "[process][grade]") {
  const std::string command =
      "i=0; while read line; do echo \"{\\\"id\\\": $i, \\\"score\\\": 0.75, \\\"reason\\\": \\\"so\\\"}\"; "
      "i=$((i+1)); done";
  const auto grader = command_grader(command, shell_programs(real_clock(), {}), 5s);
  REQUIRE_OK(grader);
  std::vector<GradeInput> inputs(150);
  for (int round = 0; round < 2; ++round) {
    const auto verdicts = (*grader)->grade_all(inputs);
    REQUIRE_OK(verdicts);
    REQUIRE(verdicts->size() == 150);
    CHECK(verdicts->back().score == 0.75);
    CHECK(verdicts->back().reason == "so");
  }
  const auto dying = command_grader("exit 1", shell_programs(real_clock(), {}), 5s);
  CHECK_FALSE((*dying)->grade_all(inputs));
  CHECK_FALSE((*dying)->grade_all(inputs));
  const auto stopped = command_grader("sleep 30", shell_programs(real_clock(), [] { return true; }), 5s);
  CHECK((*stopped)->grade_all(inputs).error().code == Errc::interrupted);
}

}  // namespace retort
