// A harvest as its user sees it: what is asked, what is kept, what is asked again, and what a dry run says before.
#include <set>

#include "tests/catch.h"
#include "tests/e2e/scene.h"

namespace retort {
namespace {

TEST_CASE("every shape of prompt is asked and kept with what belongs to it", "[e2e][harvest]") {
  Scene scene;
  scene.write("rows.jsonl",
              R"({"messages":[{"role":"system","content":"Be brief."},{"role":"user","content":"1 + 2"}],)"
              R"("reference":"3","topic":"sum"})"
              "\n"
              R"({"prompt":"3 + 4","reference":7})"
              "\n");
  scene.write("lines.txt", "5 + 6\n\n7 + 8\n");
  ProgramSetup setup = scene.setup({"harvest", "rows.jsonl", "lines.txt", "-", "-t", "fake", "--json"});
  setup.input = "9 + 10\n";

  const ProgramEnd end = Program(setup).wait();

  CHECK(end.code == 0);
  Json summary = json_of(end.out);
  CHECK(summary["answered"] == 5);
  CHECK(summary["rows"] == 5);
  CHECK(summary["attempts"] == 5);
  CHECK(scene.teacher().requests() == 5);
  CHECK(scene.texts("SELECT text FROM response ORDER BY cast(text AS INTEGER)") ==
        std::vector<std::string>{"3", "7", "11", "15", "19"});
  CHECK(scene.text("SELECT messages FROM prompt WHERE messages LIKE '%1 + 2%'") ==
        R"([{"content":"Be brief.","role":"system"},{"content":"1 + 2","role":"user"}])");
  CHECK(scene.text(R"(SELECT metadata FROM source_row WHERE source = 'rows.jsonl' AND "row" = 1)") ==
        R"({"topic":"sum"})");
  CHECK(scene.text(R"(SELECT reference FROM source_row WHERE source = 'rows.jsonl' AND "row" = 2)") == "7");
  CHECK(scene.texts(R"(SELECT source || ':' || "row" FROM source_row ORDER BY 1)") ==
        std::vector<std::string>{"-:1", "lines.txt:1", "lines.txt:3", "rows.jsonl:1", "rows.jsonl:2"});
}

TEST_CASE("a template makes prompts of any field, and a system message comes before", "[e2e][harvest]") {
  Scene scene;
  scene.write("prompts.jsonl", R"({"question":{"a":1},"b":2})"
                               "\n");

  const ProgramEnd end = scene.harvest({"--prompt-template", "Add {{question}} and {{b}}", "--system", "Be brief.",
                                        "--max-tokens", "50", "--set", "temperature=0.5"});

  CHECK(end.code == 0);
  CHECK(scene.text("SELECT messages FROM prompt") ==
        R"([{"content":"Be brief.","role":"system"},{"content":"Add {\"a\":1} and 2","role":"user"}])");
  CHECK(scene.text("SELECT parameters FROM request") == R"({"temperature":0.5})");
  CHECK(scene.number("SELECT max_tokens FROM attempt") == 50);
  CHECK(scene.teacher().log().at(0).max_tokens == 50);
}

TEST_CASE("n samples of a prompt are n requests, each with its own seed", "[e2e][harvest]") {
  Scene scene;
  scene.write("prompts.jsonl", sums(2));

  CHECK(scene.harvest({"-n", "3", "--set", "seed=40"}).code == 0);

  std::multiset<std::uint64_t> seeds;
  for (const FakeTeacherEntry& entry : scene.teacher().log()) seeds.insert(entry.seed);
  CHECK(seeds == std::multiset<std::uint64_t>{40, 40, 41, 41, 42, 42});
  CHECK(scene.number("SELECT count(*) FROM response") == 6);
  CHECK(scene.number("SELECT count(DISTINCT sample) FROM request") == 3);

  SECTION("one sample more asks only for that") {
    CHECK(scene.harvest({"-n", "4", "--set", "seed=40"}).code == 0);
    CHECK(scene.teacher().requests() == 8);
  }
}

TEST_CASE("equal prompts are asked once, and every row is kept", "[e2e][harvest]") {
  Scene scene({.latency = 20ms});
  std::string rows;
  for (int i = 0; i < 30; ++i) rows += R"({"prompt":"2 + 2","number":)" + std::to_string(i) + "}\n";
  scene.write("prompts.jsonl", rows);

  CHECK(scene.harvest().code == 0);

  CHECK(scene.teacher().requests() == 1);
  CHECK(scene.number("SELECT count(*) FROM source_row") == 30);
  CHECK(scene.number("SELECT count(*) FROM request") == 1);
}

TEST_CASE("run again, nothing is asked; a mended reference is kept and asks nothing either", "[e2e][harvest]") {
  Scene scene;
  scene.write("prompts.jsonl", R"({"prompt":"2 + 2","reference":"5"})"
                               "\n" +
                                   sums(40, 10));
  CHECK(scene.harvest().code == 0);
  CHECK(scene.teacher().requests() == 41);

  const ProgramEnd again = scene.harvest({"--json"});
  CHECK(again.code == 0);
  CHECK(json_of(again.out)["already_answered"] == 41);
  CHECK(scene.teacher().requests() == 41);

  scene.write("prompts.jsonl", R"({"prompt":"2 + 2","reference":"4"})"
                               "\n" +
                                   sums(40, 10));
  CHECK(scene.harvest({"--max-tokens", "500"}).code == 0);
  CHECK(scene.teacher().requests() == 41);
  CHECK(scene.text("SELECT reference FROM source_row WHERE reference <> '' ORDER BY id DESC LIMIT 1") == "4");
  CHECK(scene.number("SELECT count(*) FROM run WHERE state = 'ended' AND exit_code = 0") == 3);
}

TEST_CASE("a dry run counts what the corpus lacks, and touches nothing", "[e2e][harvest]") {
  Scene scene({}, {{"price_output_per_million", "2.0"}, {"requests_per_minute", "60"}});
  scene.write("prompts.jsonl", sums(30));
  const auto files_before = scene.files();

  const ProgramEnd first = scene.harvest({"--dry-run", "--json", "-n", "2", "--max-tokens", "100"});
  CHECK(first.code == 0);
  CHECK(json_of(first.out)["requests"] == 60);
  CHECK(json_of(first.out)["settled"] == 0);
  CHECK(json_of(first.out)["output_tokens_at_most"] == 6000);
  CHECK(json_of(first.out)["cost_usd_at_most"] == 0.012);
  const double minutes = json_of(first.out)["minutes"];
  CHECK(minutes > 0.9);
  CHECK(minutes < 1.1);
  CHECK(scene.files() == files_before);
  CHECK(scene.teacher().requests() == 0);

  scene.configure({});
  scene.write("prompts.jsonl", sums(10));
  REQUIRE(scene.harvest().code == 0);
  const std::string corpus = scene.read("corpus.db");
  scene.write("prompts.jsonl", sums(30));

  const ProgramEnd second = scene.harvest({"--dry-run"});
  CHECK(second.code == 0);
  CHECK(has(second.out, "30 rows: 20 requests to ask, 10 settled in the corpus"));
  CHECK((scene.read("corpus.db") == corpus));
  CHECK(scene.teacher().requests() == 10);
}

TEST_CASE("a dry run foresees the turns of a script, and counts those that are there", "[e2e][harvest]") {
  Scene scene({}, {{"price_output_per_million", "2.0"}});
  scene.write("prompts.jsonl", sums(10));
  const std::vector<std::string> dry = {"--dry-run", "--json", "--max-tokens", "100"};
  const auto with_turns = [&](int turns) {
    std::vector<std::string> words = dry;
    for (int i = 0; i < turns; ++i) words.insert(words.end(), {"--follow-up", "What is 1 + 1?"});
    return json_of(scene.harvest(words).out);
  };
  CHECK(with_turns(0)["requests"] == 10);
  const Json two = with_turns(2);
  CHECK(two["requests"] == 30);
  CHECK(two["follow_ups"] == 20);
  CHECK(two["output_tokens_at_most"] == 3000);
  CHECK(two["cost_usd_at_most"] == 0.006);
  // The second turn's question holds one answer, the third's two.
  const auto input = [](const Json& json) { return json["input_tokens_at_most"].get<std::int64_t>(); };
  CHECK(input(two) > 3 * input(with_turns(0)) + 10 * 3 * 100);

  REQUIRE(scene.harvest({"--max-tokens", "100", "--follow-up", "What is 1 + 1?"}).code == 0);
  CHECK(scene.teacher().requests() == 20);
  const Json left = with_turns(2);
  CHECK(left["requests"] == 10);
  CHECK(left["follow_ups"] == 10);
  CHECK(left["settled"] == 20);
  CHECK(with_turns(1)["requests"] == 0);
  CHECK(scene.teacher().requests() == 20);
}

TEST_CASE("an answer cut at the token limit is asked again only on demand", "[e2e][harvest]") {
  Scene scene;
  scene.write("prompts.jsonl", sums(5, 1000));
  CHECK(scene.harvest({"--max-tokens", "3"}).code == 0);
  CHECK(scene.number("SELECT count(*) FROM request WHERE truncated") == 5);
  CHECK(scene.harvest({"--max-tokens", "400"}).code == 0);
  CHECK(scene.teacher().requests() == 5);
  REQUIRE(scene.run({"export", "-o", "cut.jsonl"}).code == 0);
  CHECK(scene.read("cut.jsonl").empty());

  CHECK(scene.harvest({"--max-tokens", "400", "--retry", "truncated"}).code == 0);

  CHECK(scene.teacher().requests() == 10);
  CHECK(scene.number("SELECT count(*) FROM request WHERE truncated") == 0);
  CHECK(scene.number("SELECT count(*) FROM response") == 10);
  REQUIRE(scene.run({"export", "-o", "whole.jsonl"}).code == 0);
  CHECK(json_lines(scene.read("whole.jsonl")).size() == 5);
}

TEST_CASE("what failed for good is asked again only on demand", "[e2e][harvest]") {
  Scene scene({.scenario = "1-2: 400; then: ok"}, {{"max_in_flight", "1"}});
  scene.write("prompts.jsonl", sums(4));
  CHECK(scene.harvest().code == 3);
  const ProgramEnd again = scene.harvest();
  CHECK(again.code == 3);
  CHECK(has(again.err, "failed before: 2"));
  CHECK(scene.teacher().requests() == 4);

  CHECK(scene.harvest({"--retry", "failed"}).code == 0);

  CHECK(scene.teacher().requests() == 6);
  CHECK(scene.number("SELECT count(*) FROM request WHERE status = 'answered'") == 4);
}

}  // namespace
}  // namespace retort
