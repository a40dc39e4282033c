// A teacher that judges, with the real program: asked once, kept with its role, capped, counted, and never a pair.
#include "tests/catch.h"
#include "tests/e2e/scene.h"

namespace retort {
namespace {

bool is_judgement(const ChatRequest& asked) { return has(dump_json(asked.messages), "You grade one answer"); }

/// Calls what is said about 3 + 3 wrong, and cannot say anything about 4 + 4.
FakeTeacherOptions judging() {
  FakeTeacherOptions options;
  options.says = [](const ChatRequest& asked, int) -> std::string {
    if (!is_judgement(asked)) return "";
    if (has(asked.last_user_text, "What is 3 + 3?")) return "It is not.\nVERDICT: WRONG";
    if (has(asked.last_user_text, "What is 4 + 4?")) return "Who knows.";
    return "VERDICT: RIGHT";
  };
  return options;
}

struct Judged : Scene {
  Judged() : Scene(judging()) {
    std::string toml = read("retort.toml");
    std::string second = toml;
    second.replace(second.find("[teacher.fake]"), 14, "[teacher.judge]");
    second.replace(second.find("outputs_may_train = true"), 24, "");
    write("retort.toml", toml + second);
    write("prompts.jsonl", sums(6));
    REQUIRE(harvest().code == 0);
    write(
        "judged.toml",
        "name = \"judged\"\n[[stage]]\nstage = \"judge\"\nteacher = \"judge\"\nrubric = \"RIGHT if it is polite.\"\n");
  }
  ProgramEnd curate(std::vector<std::string> more = {}) const {
    std::vector<std::string> words = {"curate", "--recipe", "judged.toml", "--terms-unknown", "--json"};
    words.insert(words.end(), more.begin(), more.end());
    return run(words);
  }
};

TEST_CASE("a judge is asked once, and what it says is no training pair", "[e2e][judge]") {
  Judged scene;
  CHECK(scene.run({"curate", "--recipe", "judged.toml"}).code == 6);  // the judge's terms are unknown
  CHECK(scene.teacher().requests() == 6);
  const ProgramEnd made = scene.curate();
  CAPTURE(made.err, made.out);
  REQUIRE(made.code == 0);
  CHECK(scene.teacher().requests() == 12);
  Json view = json_of(lines_of(made.out).back());
  CHECK(view["pairs"] == 4);
  CHECK(view["funnel"][0]["dropped"]["wrong"] == 1);
  CHECK(view["funnel"][0]["dropped"]["ungradable"] == 1);

  CHECK(scene.curate().code == 0);
  CHECK(scene.teacher().requests() == 12);
  // Without its labels it reads the judge's answers from the corpus.
  scene.execute("DELETE FROM label");
  CHECK(json_of(lines_of(scene.curate().out).back())["digest"] == view["digest"]);
  CHECK(scene.teacher().requests() == 12);

  CHECK(scene.number("SELECT count(*) FROM pairs WHERE role = 'judge'") == 6);
  CHECK(scene.number("SELECT count(*) FROM \"all\"") == 6);
  CHECK(lines_of(scene.run({"export", "-o", "-"}).out).size() == 6);  // the unknown terms of the judge bar nothing
  Json costs = json_of(scene.run({"costs", "--json"}).out);
  CHECK(costs["stages"]["harvest"]["answered"] == 6);
  CHECK(costs["stages"]["judge"]["answered"] == 6);
  CHECK(scene.run({"fsck"}).code == 0);

  // Forgetting an answer forgets what judged it: it was quoted there.
  REQUIRE(scene.run({"forget", "1", "--because", "asked to"}).code == 0);
  CHECK(scene.number("SELECT count(*) FROM tombstone") == 2);
}

TEST_CASE("a cap stops a judge, and a later run asks only the rest", "[e2e][judge]") {
  Judged scene;
  const ProgramEnd stopped = scene.curate({"--max-requests", "8"});
  CAPTURE(stopped.err);
  CHECK(stopped.code == 5);
  CHECK(scene.teacher().requests() == 8);
  REQUIRE(scene.curate().code == 0);
  CHECK(scene.teacher().requests() == 12);
}

TEST_CASE("a judge verifies in rounds as well, and a wrong name is told at once", "[e2e][judge]") {
  Judged scene;
  const ProgramEnd end = scene.run({"harvest", "prompts.jsonl", "-t", "fake", "-q", "--terms-unknown",
                                    "--until-verified", "1", "--max-samples", "2", "--grader", "judge:judge"});
  CAPTURE(end.err);
  REQUIRE(end.code == 0);
  CHECK(scene.number("SELECT count(*) FROM pairs WHERE in_all AND prompt = 'What is 3 + 3?'") == 2);
  CHECK(scene.number("SELECT count(*) FROM pairs WHERE in_all AND prompt = 'What is 1 + 1?'") == 1);
  scene.write("nobody.toml", "name = \"n\"\n[[stage]]\nstage = \"verify\"\ngrader = \"judge:nobody\"\n");
  const ProgramEnd nobody = scene.run({"curate", "--recipe", "nobody.toml"});
  CHECK(nobody.code == 2);
  CHECK(has(nobody.err, "nobody"));
}

}  // namespace
}  // namespace retort
