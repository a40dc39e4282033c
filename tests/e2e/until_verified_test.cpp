// More samples only where they are wanted, with the real program: rounds, wants, caps, stops, and the figures told.
#include <csignal>

#include "core/base/hash.h"
#include "tests/catch.h"
#include "tests/e2e/scene.h"

namespace retort {
namespace {

/// Right with a chance that depends on the question: question i of `chances`, by chance that only question and time
/// decide.
FakeTeacherOptions knows(std::vector<int> percent) {
  FakeTeacherOptions options;
  options.says = [percent](const ChatRequest& asked, int time) -> std::string {
    for (std::size_t i = 0; i < percent.size(); ++i) {
      if (asked.last_user_text != sum_prompt(static_cast<int>(i) + 1)) continue;
      if (percent[i] < 0) return "I'm sorry, but I can't help with that.";
      const std::string hash = sha256_hex(asked.last_user_text + "#" + std::to_string(time));
      const int draw = static_cast<int>(std::stoul(hash.substr(0, 6), nullptr, 16) % 100);
      return draw < percent[i] ? "" : "I do not know: 0";  // empty: the right answer
    }
    return "";
  };
  return options;
}

std::string referenced(int count) {
  std::string text;
  for (int i = 1; i <= count; ++i)
    text += dump_json({{"prompt", sum_prompt(i)}, {"reference", std::to_string(2 * i)}}) + "\n";
  return text;
}

const Profile kPriced = {{"price_output_per_million", "1000"}, {"max_in_flight", "4"}};

TEST_CASE("rounds ask until each prompt has K verified answers, or N were asked, and refusals once", "[e2e][wanted]") {
  Scene scene(knows({100, 60, 30, 0, -1}), kPriced);
  scene.write("prompts.jsonl", referenced(5));
  const ProgramEnd end = scene.harvest({"--until-verified", "2", "--max-samples", "12", "--json"});
  CAPTURE(end.err, end.out);
  REQUIRE(end.code == 0);
  const auto asked = [&](int prompt) { return scene.teacher().books()[sum_prompt(prompt)].received; };
  CHECK(asked(1) == 2);
  CHECK(asked(4) == 12);  // nobody gets it: N
  CHECK(asked(5) == 2);   // declined: nothing more because of it
  for (const int prompt : {2, 3}) {
    CAPTURE(prompt);
    const std::string right = "SELECT count(*) FROM pairs WHERE prompt = '" + sum_prompt(prompt) + "' AND answer = '" +
                              std::to_string(2 * prompt) + "'";
    CHECK((scene.number(right.c_str()) >= 2 || asked(prompt) == 12));
  }
  Json report = json_of(lines_of(end.out).back());
  CHECK(report["rounds"] >= 2);
  CHECK(report["sampling"]["prompts"] == 4);
  CHECK(report["ungraded_prompts"] == 1);
  CHECK(report["sampling"]["wanted_samples"] == 0);
  CHECK(report["sampling"]["accepted"] >= 4);
  // A fixed number of samples would have cost more for each accepted one.
  CHECK(report["sampling"]["usd_per_accepted"] < report["sampling"]["usd_per_accepted_at_fixed_samples"]);
  CHECK(report["sampling"]["fixed_usd"] > report["sampling"]["usd"]);
  CHECK(report["view"] == "verified");
  CHECK(scene.number("SELECT count(*) FROM want") == 0);

  // Once more: everything is there, and nothing is asked.
  const auto before = scene.teacher().requests();
  CHECK(scene.harvest({"--until-verified", "2", "--max-samples", "12"}).code == 0);
  CHECK(scene.teacher().requests() == before);
  // What was verified is a view like any other.
  const ProgramEnd exported = scene.run({"export", "--view", "verified", "-o", "-"});
  REQUIRE(exported.code == 0);
  CHECK(static_cast<std::int64_t>(lines_of(exported.out).size()) == report["pairs"]);
}

TEST_CASE("a cap ends the rounds with a report, and a later run goes on where they were", "[e2e][wanted]") {
  Scene scene(knows({100, 40, 20, 10}), kPriced);
  scene.write("prompts.jsonl", referenced(4));
  const std::vector<std::string> words = {"--until-verified", "2", "--max-samples", "10", "--json"};
  std::vector<std::string> capped = words;
  capped.insert(capped.end(), {"--max-requests", "10"});
  const ProgramEnd stopped = scene.harvest(capped);
  CAPTURE(stopped.err, stopped.out);
  CHECK(stopped.code == 5);
  CHECK(scene.teacher().requests() == 10);
  CHECK(json_of(lines_of(stopped.out).back())["sampling"]["prompts"] == 4);
  REQUIRE(scene.harvest(words).code == 0);
  // Nothing was asked twice: as many requests as there are in the corpus.
  CHECK(scene.teacher().requests() == scene.number("SELECT count(*) FROM request"));

  // The same prompts in one go, elsewhere, ask the same.
  Scene whole(knows({100, 40, 20, 10}), kPriced);
  whole.write("prompts.jsonl", referenced(4));
  REQUIRE(whole.harvest(words).code == 0);
  for (int prompt = 1; prompt <= 4; ++prompt) {
    CAPTURE(prompt);
    CHECK(whole.teacher().books()[sum_prompt(prompt)].received >= 2);
    CHECK(scene.teacher().books()[sum_prompt(prompt)].received >= 2);
  }
}

TEST_CASE("a killed round is gone on with", "[e2e][wanted]") {
  FakeTeacherOptions options = knows({100, 30, 30, 30, 30, 30, 30, 30});
  options.latency = 30ms;
  Scene scene(options, {{"max_in_flight", "2"}});
  scene.write("prompts.jsonl", referenced(8));
  const auto words = scene.harvest_words({"--until-verified", "3", "--max-samples", "9"});
  {
    auto running = scene.start(words);
    CHECK(eventually([&] { return scene.teacher().requests() >= 30; }));
    running->send(SIGKILL);
    running->wait();
  }
  REQUIRE(scene.run(words).code == 0);
  for (int prompt = 1; prompt <= 8; ++prompt) {
    CAPTURE(prompt);
    const std::string of = " FROM pairs WHERE in_all AND prompt = '" + sum_prompt(prompt) + "'";
    const auto right = scene.number(("SELECT count(*)" + of + " AND answer = reference").c_str());
    const auto all = scene.number(("SELECT count(*)" + of).c_str());
    CHECK((right >= 3 || all == 9));
    CHECK(scene.number(("SELECT count(*) - count(DISTINCT sample)" + of).c_str()) == 0);
  }
}

TEST_CASE("harvest --wanted asks exactly what curate wants, of any teacher", "[e2e][wanted]") {
  Scene scene(knows({100, 0, 0}), kPriced);
  scene.write("prompts.jsonl", referenced(3));
  REQUIRE(scene.harvest().code == 0);
  CHECK(has(scene.run({"harvest", "--wanted", "-t", "fake", "-q"}).err, "wants nothing"));
  scene.write("verify.toml", "name = \"v\"\n[[stage]]\nstage = \"verify\"\n");
  REQUIRE(scene.run({"curate", "--recipe", "verify.toml", "--wants", "1", "--max-samples", "3"}).code == 0);
  const auto wanted = scene.number("SELECT sum(samples) FROM want");
  Json forecast = json_of(scene.run({"harvest", "--wanted", "-t", "fake", "--dry-run", "--json"}).out);
  CHECK(forecast["requests"] == wanted - 2);  // one of each is there
  REQUIRE(scene.run({"harvest", "--wanted", "-t", "fake", "-q"}).code == 0);
  CHECK(scene.number("SELECT count(*) FROM request") == 1 + wanted);
  CHECK(scene.teacher().books()[sum_prompt(1)].received == 1);
  CHECK(scene.run({"harvest", "--wanted", "-t", "fake", "-q"}).code == 0);
  CHECK(scene.number("SELECT count(*) FROM request") == 1 + wanted);
  // References and metadata are those of the corpus: nothing is registered anew.
  CHECK(scene.number("SELECT count(*) FROM source_row") == 3);

  // Asked otherwise, what others asked counts: only what is lacking in all is asked.
  REQUIRE(scene.run({"curate", "--recipe", "verify.toml", "--wants", "1", "--max-samples", "4"}).code == 0);
  const auto lacking = scene.number(
      "SELECT sum(samples - (SELECT count(*) FROM request WHERE request.prompt_id = want.prompt_id)) FROM want");
  const auto before = scene.teacher().requests();
  REQUIRE(scene.run({"harvest", "--wanted", "-t", "fake", "-q", "--temperature", "0.5"}).code == 0);
  CHECK(scene.teacher().requests() == before + lacking);

  for (const std::vector<std::string>& wrong :
       {std::vector<std::string>{"harvest", "prompts.jsonl", "--wanted", "-t", "fake"},
        {"harvest", "-t", "fake"},
        {"harvest", "--wanted", "-n", "2", "-t", "fake"},
        {"harvest", "prompts.jsonl", "--max-samples", "4", "-t", "fake"},
        {"harvest", "prompts.jsonl", "--until-verified", "2", "--grader", "nonsense", "-t", "fake"}}) {
    const ProgramEnd end = scene.run(wrong);
    CAPTURE(end.err);
    CHECK(end.code == 2);
  }
}

}  // namespace
}  // namespace retort
