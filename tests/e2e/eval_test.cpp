// One table for teachers and students: what was right, how sure that is, and who is better on the same problems.
#include <cstdlib>
#include <filesystem>

#include "tests/catch.h"
#include "tests/e2e/scene.h"

namespace retort {
namespace {

bool student_is_there() {
  return std::getenv("RETORT_STUDENT_MODULE") != nullptr ||
         std::filesystem::exists(RETORT_BINARY_DIR "/retort-student.so");
}

/// Problems with their answers, two families in turn.
std::string problems(int count) {
  std::string text;
  for (int i = 1; i <= count; ++i) {
    text += dump_json({{"prompt", sum_prompt(i)},
                       {"reference", std::to_string(2 * i)},
                       {"family", i % 2 == 0 ? "even" : "odd"}}) +
            "\n";
  }
  return text;
}

/// A line as `retort eval -o` writes it.
Json item(const std::string& prompt, int sample, bool right) {
  return {{"messages", Json::array({{{"role", "user"}, {"content", prompt}}})},
          {"reference", "1"},
          {"sample", sample},
          {"right", right},
          {"extracted", right ? "1" : "2"},
          {"finish", "stop"}};
}

}  // namespace

TEST_CASE("a teacher is evaluated through the harvester: what fails is wrong, and nothing is asked twice",
          "[e2e][eval]") {
  Scene scene({.scenario = "prompt What is 3 +: 400; then: ok"});
  scene.write("problems.jsonl", problems(10));
  const std::vector<std::string> words{"eval",      "--teacher", "fake",           "-c",    "eval.db", "-o",
                                       "one.jsonl", "--prompts", "problems.jsonl", "--json"};
  const ProgramEnd first = scene.run(words);
  INFO(first.err);
  REQUIRE(first.code == 0);
  const Json result = json_of(first.out);
  CHECK(result["right"] == 9);
  CHECK(result["all"] == 10);
  CHECK(result["problems"] == 10);
  CHECK(result["families"]["odd"]["right"] == 4);
  CHECK(result["families"]["even"]["right"] == 5);
  CHECK(result["teacher"] == "fake");
  CHECK(json_lines(scene.read("one.jsonl")).size() == 10);

  // What a teacher was examined in is no training data.
  CHECK(scene.run({"export", "-c", "eval.db", "-o", "-"}).out.empty());

  const std::int64_t asked = scene.teacher().requests();
  const ProgramEnd again = scene.run(words);
  CHECK(again.code == 0);
  CHECK(json_of(again.out)["right"] == 9);
  CHECK(scene.teacher().requests() == asked);

  const ProgramEnd table = scene.run({"eval", "--compare", "one.jsonl", "eval.db#2"});
  INFO(first.err << table.out << table.err);
  CHECK(table.code == 0);
  CHECK(has(table.out, "+0.0 %"));
}

TEST_CASE("evaluations are compared problem by problem", "[e2e][eval]") {
  Scene scene;
  std::string before, after;
  for (int i = 0; i < 100; ++i) {
    before += dump_json(item("p" + std::to_string(i), 0, i % 2 == 0)) + "\n";
    for (const int sample : {0, 1})
      after += dump_json(item("p" + std::to_string(i), sample, i % 2 == 0 || i % 5 == 0)) + "\n";
  }
  scene.write("before.jsonl", before);
  scene.write("after.jsonl", after);
  const ProgramEnd end = scene.run({"eval", "--compare", "before.jsonl", "after.jsonl", "--json"});
  INFO(end.err);
  REQUIRE(end.code == 0);
  const Json found = json_of(end.out)["evaluations"];
  REQUIRE(found.size() == 2);
  CHECK(found[0]["accuracy"] == 0.5);
  CHECK(found[1]["accuracy"] == 0.6);
  CHECK(found[1]["samples"] == 2);
  CHECK(found[1]["pass_at"]["2"] == 0.6);
  CHECK(found[1]["majority"] == 0.6);
  const Json& paired = found[1]["paired"];
  CHECK(paired["problems"] == 100);
  CHECK(paired["better"] == 10);
  CHECK(paired["worse"] == 0);
  CHECK(paired["interval_95"][0] > 0.03);
  CHECK(paired["interval_95"][1] < 0.17);

  scene.write("other.jsonl", dump_json(item("elsewhere", 0, true)) + "\n");
  scene.write("broken.jsonl", before + "{}\n");
  const std::vector<std::pair<std::vector<std::string>, std::string>> refused = {
      {{"before.jsonl"}, "two evaluations"},
      {{"before.jsonl", "missing.jsonl"}, "missing.jsonl"},
      {{"before.jsonl", "other.jsonl"}, "no problem in common"},
      {{"before.jsonl", "broken.jsonl"}, "broken.jsonl:101"},
      {{"before.jsonl", "corpus.db#x"}, "number of a run"}};
  for (const auto& [names, why] : refused) {
    std::vector<std::string> words{"eval", "--compare"};
    words.insert(words.end(), names.begin(), names.end());
    const ProgramEnd refusal = scene.run(words);
    CAPTURE(refusal.err);
    CHECK(refusal.code == 2);
    CHECK(has(refusal.err, why));
    CHECK(lines_of(refusal.err).size() == 1);
  }
}

TEST_CASE("what cannot be evaluated is said in one line", "[e2e][eval]") {
  Scene scene;
  scene.write("problems.jsonl", problems(2));
  const std::vector<std::pair<std::vector<std::string>, std::string>> refused = {
      {{"--prompts", "problems.jsonl"}, "whom to evaluate"},
      {{"run", "--teacher", "fake", "--prompts", "problems.jsonl"}, "not both"},
      {{"run"}, "--prompts FILE"},
      {{"--teacher", "fake", "--prompts", "problems.jsonl"}, "-c CORPUS"},
      {{"--teacher", "fake", "-c", "e.db", "--prompts", "-"}, "name a file"},
      {{"run", "-c", "none.db", "--prompts", "problems.jsonl"}, "no such corpus"},
      {{"run", "-n", "4", "--prompts", "problems.jsonl"}, "--temperature"}};
  for (const auto& [more, why] : refused) {
    std::vector<std::string> words{"eval"};
    words.insert(words.end(), more.begin(), more.end());
    const ProgramEnd end = scene.run(words);
    CAPTURE(end.err);
    CHECK(end.code == 2);
    CHECK(has(end.err, why));
    CHECK(lines_of(end.err).size() == 1);
  }
  CHECK(scene.teacher().requests() == 0);
}

TEST_CASE("a student is planned, trained, and stands in one table with its teacher", "[e2e][eval][train]") {
  if (!student_is_there()) return;
  Scene scene;
  scene.write("problems.jsonl", problems(30));
  scene.write("prompts.jsonl", sums(30));
  REQUIRE(scene.harvest().code == 0);
  const std::vector<std::string> files = scene.files();
  const ProgramEnd plan = scene.run({"train", "--dry-run", "--student", "new:d=32,layers=1,heads=2", "--steps", "5",
                                     "--validation-fraction", "0", "--device", "cpu"});
  INFO(plan.err << plan.out);
  REQUIRE(plan.code == 0);
  CHECK(has(plan.out, "30 pairs to learn"));
  CHECK(has(plan.out, "5 steps"));
  CHECK(has(plan.out, "  <|user|>What is "));
  CHECK(has(plan.out, "?<|end|><|assistant|>[[<think>"));
  CHECK(has(plan.out, "[["));
  CHECK(scene.files() == files);
  CHECK(scene.number("SELECT count(*) FROM run WHERE command = 'train'") == 0);
  CHECK(scene.run({"train"}).code == 2);

  const ProgramEnd trained = scene.run({"train", "-o", "run", "--student", "new:d=32,layers=1,heads=2", "--steps", "5",
                                        "--validation-fraction", "0", "--device", "cpu"});
  INFO(trained.err);
  REQUIRE(trained.code == 0);
  const ProgramEnd student = scene.run({"eval", "run", "--prompts", "problems.jsonl", "-n", "3", "--temperature", "1",
                                        "--max-tokens", "8", "-o", "student.jsonl", "--json"});
  INFO(student.err);
  REQUIRE(student.code == 0);
  const Json result = json_of(student.out);
  CHECK(result["all"] == 90);
  CHECK(result["samples"] == 3);
  CHECK(result["pass_at"].size() == 3);  // 1, 2, 3
  CHECK(scene.run({"eval", "--teacher", "fake", "-c", "eval.db", "--prompts", "problems.jsonl", "-o", "teacher.jsonl"})
            .code == 0);
  const ProgramEnd table = scene.run({"eval", "--compare", "student.jsonl", "teacher.jsonl", "--json"});
  INFO(table.err);
  REQUIRE(table.code == 0);
  CHECK(json_of(table.out)["evaluations"][1]["paired"]["difference"] > 0.5);
}

}  // namespace retort
