// From answers to a training set, with the real program: views, formats, evidence, costs.
#include "tests/catch.h"
#include "tests/e2e/scene.h"

namespace retort {
namespace {

std::string graded_sums(int count) {
  std::string text;
  for (int i = 1; i <= count; ++i) {
    // Every fifth reference is wrong, so that something is dropped.
    text += dump_json({{"prompt", sum_prompt(i)}, {"reference", std::to_string(i % 5 == 0 ? 0 : 2 * i)}}) + "\n";
  }
  return text;
}

struct Curated : Scene {
  /// One at a time: answers come in the order of the prompts.
  explicit Curated(int count = 20) : Scene({}, {{"price_output_per_million", "1.0"}, {"max_in_flight", "1"}}) {
    write("prompts.jsonl", graded_sums(count));
    REQUIRE(harvest({"-n", "2"}).code == 0);
  }
};

TEST_CASE("a recipe makes a view, the same twice, that export and its formats take", "[e2e][curate]") {
  Curated scene;
  const ProgramEnd made = scene.run({"curate", "--recipe", "r1-reasoning", "--json"});
  CAPTURE(made.err);
  REQUIRE(made.code == 0);
  CHECK(json_of(made.out)["pairs"] == 16);  // 16 of 20 are right, and the second sample says the same

  scene.write("mine.toml",
              "name = \"mine\"\n[[stage]]\nstage = \"finished\"\n[[stage]]\nstage = \"verify\"\n"
              "[[stage]]\nstage = \"per_prompt\"\nmax = 1\n[split]\nvalidation = 0.25\n");
  Json first = json_of(scene.run({"curate", "--recipe", "mine.toml", "--json"}).out);
  CHECK(first["pairs"] == 16);
  CHECK(first["funnel"][1]["dropped"]["wrong"] == 8);
  Json again = json_of(scene.run({"curate", "--recipe", "mine.toml", "--threads", "1", "--json"}).out);
  CHECK(again["digest"] == first["digest"]);
  CHECK(again["unchanged"] == true);
  CHECK(again["labels"]["made"] == 0);
  CHECK(scene.number("SELECT count(*) FROM \"view\" WHERE name = 'mine'") == 1);

  int lines = 0;
  for (const std::string part : {"train", "validation"}) {
    const ProgramEnd end = scene.run({"export", "--view", "mine", "--split", part, "-o", "-"});
    REQUIRE(end.code == 0);
    lines += static_cast<int>(lines_of(end.out).size());
  }
  CHECK(lines == 16);
  Json alpaca = json_lines(scene.run({"export", "--view", "mine", "-f", "alpaca", "-o", "-"}).out)[0];
  CHECK(alpaca["instruction"] == sum_prompt(1));
  CHECK(alpaca["output"] == "2");
  Json chat = json_lines(scene.run({"export", "--view", "mine", "-f", "sharegpt", "-o", "-"}).out)[0];
  CHECK(chat["conversations"][1] == Json({{"from", "gpt"}, {"value", "2"}}));

  CHECK(scene.run({"export", "--view", "none", "-o", "-"}).code == 2);
  CHECK(scene.run({"export", "--view", "mine", "-f", "preference", "-o", "-"}).code == 2);
  CHECK(scene.run({"export", "--split", "train", "-o", "-"}).code == 2);
  const ProgramEnd listed = scene.run({"curate", "--list"});
  CHECK(has(listed.out, "open-thoughts"));
  CHECK(has(listed.out, "mine: 16 pairs"));
  const ProgramEnd shown = scene.run({"curate", "--show", "clean"});
  scene.write("clean.toml", shown.out);
  CHECK(scene.run({"curate", "--recipe", "clean.toml"}).code == 0);
}

TEST_CASE("a manifest proves what is there, and a changed row is found", "[e2e][curate]") {
  Curated scene;
  REQUIRE(scene.run({"curate", "--recipe", "clean"}).code == 0);
  for (const std::string view : {"all", "clean"}) {
    CAPTURE(view);
    const std::string file = view + ".jsonl";
    REQUIRE(scene.run({"export", "--view", view, "-o", file}).code == 0);
    const ProgramEnd holds = scene.run({"verify-manifest", file + ".manifest.json"});
    CAPTURE(holds.err, holds.out);
    CHECK(holds.code == 0);
    CHECK(has(holds.err, "holds exactly"));
  }
  scene.execute("UPDATE response SET text = 'seven' WHERE id = (SELECT response_id FROM view_pair WHERE position = 3)");
  for (const std::string view : {"all", "clean"}) {
    const ProgramEnd differs = scene.run({"verify-manifest", view + ".jsonl.manifest.json", "--json"});
    CHECK(differs.code == 7);
    CHECK(json_of(differs.out)["holds"] == false);
    CHECK(json_of(differs.out)["differences"].size() == 1);
  }
  scene.write("none.json", "{}");
  CHECK(scene.run({"verify-manifest", "none.json"}).code == 2);
}

TEST_CASE("what was forgotten since is proved by its tombstone", "[e2e][curate]") {
  Curated scene;
  REQUIRE(scene.run({"curate", "--recipe", "clean"}).code == 0);
  REQUIRE(scene.run({"export", "--view", "clean", "-o", "out.jsonl"}).code == 0);
  REQUIRE(scene.run({"export", "-o", "all.jsonl"}).code == 0);
  REQUIRE(scene.run({"forget", "1", "5", "--because", "asked to"}).code == 0);
  for (const std::string manifest : {"out.jsonl.manifest.json", "all.jsonl.manifest.json"}) {
    CAPTURE(manifest);
    const ProgramEnd holds = scene.run({"verify-manifest", manifest});
    CHECK(holds.code == 0);
    CHECK(has(holds.err, "were forgotten since"));
  }
  // Only what was forgotten may be missing.
  scene.execute("UPDATE response SET text = text || '.' WHERE id = 7");
  CHECK(scene.run({"verify-manifest", "all.jsonl.manifest.json"}).code == 7);
}

TEST_CASE("costs claim no sum where no price is known", "[e2e][curate]") {
  Scene free({}, {{"price_input_per_million", ""}, {"price_output_per_million", ""}});
  free.write("prompts.jsonl", sums(2));
  REQUIRE(free.harvest().code == 0);
  const std::string told = free.run({"costs"}).out;
  CAPTURE(told);
  CHECK(has(told, "2 answered"));
  CHECK(has(told, "no cost known"));
  CHECK_FALSE(has(told, "$0.000000"));
  Curated priced(2);
  CHECK(has(priced.run({"costs"}).out, "for cut answers"));
}

TEST_CASE("an exported line leads back, terms can be amended, and costs are told", "[e2e][curate]") {
  Curated scene;
  REQUIRE(scene.run({"export", "-o", "out.jsonl"}).code == 0);
  const std::string line = lines_of(scene.read("out.jsonl"))[4];
  Json trace = json_of(scene.run({"trace", line, "--json"}).out);
  CHECK(trace["response"] == json_of(line)["retort"]["response"]);
  CHECK(trace["teacher"] == "fake");
  CHECK(trace["cost_usd"] > 0);
  CHECK(trace["terms"]["outputs_may_train"] == true);
  CHECK(scene.run({"trace", "999"}).code == 2);
  CHECK(scene.run({"trace", "{}"}).code == 2);

  CHECK(scene.run({"terms", "amend", "-t", "fake", "--may-train", "no", "--because", " "}).code == 2);
  REQUIRE(scene.run({"terms", "amend", "-t", "fake", "--may-train", "no", "--because", "Ada, letter 3"}).code == 0);
  CHECK(scene.run({"export", "-o", "out2.jsonl"}).code == 6);
  const ProgramEnd differs = scene.run({"verify-manifest", "out.jsonl.manifest.json"});
  CHECK(differs.code == 7);
  CHECK(has(differs.out, "may train: no"));

  Json costs = json_of(scene.run({"costs", "--json"}).out);
  CHECK(costs["harvest"]["answered"] == 40);
  CHECK(costs["teachers"]["fake"]["cost_usd"] > 0);
  CHECK(scene.run({"costs"}).code == 0);
}

TEST_CASE("an empty view is called that, and not an empty corpus", "[e2e][curate]") {
  Curated scene;
  scene.write("none.toml", "name = \"none\"\n[[stage]]\nstage = \"length\"\nmin = 1000000\n");
  const ProgramEnd made = scene.run({"curate", "--recipe", "none.toml"});
  REQUIRE(made.code == 0);
  CHECK(has(scene.run({"export", "--view", "none", "-o", "none.jsonl"}).err, "view 'none' is empty"));
  CHECK(scene.run({"curate", "--recipe", "none.toml", "--max-samples", "3"}).code == 2);
}

TEST_CASE("what cannot be imported is told by what it is, and leaves no corpus behind", "[e2e][curate]") {
  Scene scene;
  struct Wrong {
    const char* line;
    const char* part;
  };
  for (const Wrong& wrong : {Wrong{R"({"prompt":"a","chosen":"b","rejected":"c"})", "is a preference pair"},
                             Wrong{R"({"conversations":[{"from":"humann","value":"a"}]})", "is from 'humann'"},
                             Wrong{R"({"conversations":[{"value":"a"}]})", "lacks 'from'"}}) {
    CAPTURE(wrong.line);
    scene.write("bad.jsonl", wrong.line);
    const ProgramEnd end = scene.run({"import", "bad.jsonl", "-c", "bad.db"});
    CHECK(end.code == 2);
    CHECK(has(end.err, std::string("bad.jsonl:1: ")));
    CHECK(has(end.err, wrong.part));
  }
  CHECK(scene.run({"import", "none.jsonl", "-c", "none.db"}).code == 2);
  const std::vector<std::string> files = scene.files();
  CHECK(std::find(files.begin(), files.end(), "none.db") == files.end());
}

TEST_CASE("what else an imported line says is kept: audits and graders find it", "[e2e][curate]") {
  Scene scene;
  scene.write(
      "set.jsonl",
      R"({"messages":[{"role":"user","content":"1 + 1?"},{"role":"assistant","content":"2"}],"topic":"sums","reference":2}
{"prompt":"1 + 2?","completion":"4","metadata":{"topic":"sums"},"reference":"3","retort":{"response":7}}
{"instruction":"Greet.","input":"","output":"I'm sorry, but I can't help with that.","topic":"manners"}
)");
  REQUIRE(scene.run({"import", "set.jsonl", "--may-train", "yes"}).code == 0);
  CHECK(scene.texts("SELECT coalesce(metadata, '') FROM source_row ORDER BY \"row\"") ==
        std::vector<std::string>{R"({"topic":"sums"})", R"({"topic":"sums"})", R"({"topic":"manners"})"});
  const Json report = json_of(scene.run({"audit", "--by", "topic", "--json"}).out);
  const Json& topics = report["teachers"][0]["by"]["values"];
  REQUIRE(topics.size() == 2);
  CHECK(topics[0]["value"] == "manners");
  CHECK(topics[0]["found"]["refusal"] == 1);
  CHECK(topics[1]["answers"] == 2);
  scene.write("right.toml", "name = \"right\"\n[[stage]]\nstage = \"verify\"\ngrader = \"exact\"\n");
  const Json view = json_of(lines_of(scene.run({"curate", "--recipe", "right.toml", "--json"}).out).back());
  CHECK(view["pairs"] == 1);
  CHECK(view["funnel"][0]["dropped"]["wrong"] == 1);
}

TEST_CASE("what is exported comes back byte for byte, with unknown terms", "[e2e][curate]") {
  Curated scene;
  struct Shape {
    const char* format;
    const char* reasoning;
  };
  for (const Shape& shape : {Shape{"chat", "separate"}, Shape{"prompt-completion", "separate"},
                             Shape{"alpaca", "separate"}, Shape{"sharegpt", "inline"}}) {
    CAPTURE(shape.format);
    const std::string name = std::string(shape.format) + ".jsonl", corpus = std::string(shape.format) + ".db";
    const std::vector<std::string> form = {"-f", shape.format, "--reasoning", shape.reasoning, "--bare", "-o"};
    std::vector<std::string> there = {"export"}, back = {"export", "-c", corpus};
    there.insert(there.end(), form.begin(), form.end());
    back.insert(back.end(), form.begin(), form.end());
    there.push_back(name);
    back.push_back("back-" + name);
    REQUIRE(scene.run(there).code == 0);
    REQUIRE(scene.run({"import", name, "-c", corpus}).code == 0);
    CHECK(has(scene.run({"import", name, "-c", corpus}).err, "0 pairs imported"));
    CHECK(scene.run(back).code == 6);
    back.insert(back.end(), {"--permission", "the owner, 2026-11-22"});
    REQUIRE(scene.run(back).code == 0);
    CHECK(scene.read("back-" + name) == scene.read(name));
    CHECK(lines_of(scene.read(name)).size() == 40);
  }
  scene.write("bad.jsonl", "{\"messages\": [{\"role\": \"user\", \"content\": \"a\"}]}\n");
  const ProgramEnd bad = scene.run({"import", "bad.jsonl", "-c", "bad.db"});
  CHECK(bad.code == 2);
  CHECK(has(bad.err, "bad.jsonl:1"));
}

}  // namespace
}  // namespace retort
