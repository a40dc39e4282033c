// What leaves a corpus: complete answers in formats that parse, at any time, to any reader, and only with the right to.
#include <fcntl.h>
#include <unistd.h>

#include <set>

#include "tests/catch.h"
#include "tests/e2e/scene.h"

namespace retort {
namespace {

std::string answer_in(Json line) {
  const Json messages = line.contains("messages") ? line["messages"] : line["completion"];
  return messages.back()["content"];
}

TEST_CASE("status, show and both export formats tell what was answered", "[e2e][export]") {
  Scene scene({.scenario = "prompt 19: 400"}, {{"price_output_per_million", "1.0"}});
  scene.write("prompts.jsonl", sums(20));
  REQUIRE(scene.harvest().code == 3);
  std::set<std::string> answers;
  for (int i = 1; i <= 20; ++i) {
    if (i != 19) answers.insert(std::to_string(2 * i));
  }

  Json status = json_of(scene.run({"status", "--json"}).out);
  CHECK(status["responses"] == 19);
  CHECK(status["teachers"][0]["answered"] == 19);
  CHECK(status["teachers"][0]["failed"] == 1);
  CHECK(status["errors"]["http_400"] == 1);
  CHECK(status["cost_usd"] > 0);
  const ProgramEnd table = scene.run({"status"});
  CHECK(table.code == 0);
  CHECK(has(table.out, "http_400 1"));

  Json shown = json_of(scene.run({"show", "--first", "--json"}).out);
  CHECK(answers.contains(shown["text"]));
  CHECK(shown["teacher"]["name"] == "fake");
  CHECK(shown["source"] == "prompts.jsonl");
  const ProgramEnd page = scene.run({"show", shown["response"].dump()});
  CHECK(page.code == 0);
  CHECK(has(page.out, shown["text"]));
  CHECK(scene.run({"show", "999"}).code == 2);

  for (const std::string format : {"chat", "prompt-completion"}) {
    CAPTURE(format);
    REQUIRE(scene.run({"export", "-f", format, "-o", "out.jsonl"}).code == 0);
    std::set<std::string> exported;
    for (Json line : json_lines(scene.read("out.jsonl"))) exported.insert(answer_in(line));
    CHECK(exported == answers);
    Json manifest = json_of(scene.read("out.jsonl.manifest.json"));
    CHECK(manifest["pairs"] == 19);
    CHECK(manifest["export"]["lines"] == 19);
    CHECK(manifest["terms"]["strictest"]["outputs_may_train"] == "yes");
  }
  const ProgramEnd stream = scene.run({"export", "-f", "prompt-completion", "--plain", "--bare", "-o", "-"});
  CHECK(stream.code == 0);
  auto lines = json_lines(stream.out);
  REQUIRE(lines.size() == 19);
  CHECK(answers.contains(lines[0]["completion"]));
  CHECK(lines[0]["prompt"].is_string());
  CHECK(scene.number("SELECT count(*) FROM run WHERE command = 'export'") == 3);
}

TEST_CASE("an export goes on while a harvest runs, and holds what was there", "[e2e][export]") {
  Scene scene({.latency = 50ms});
  scene.write("prompts.jsonl", sums(250));
  const auto harvest = scene.start(scene.harvest_words());
  REQUIRE(eventually([&] { return scene.teacher().delivered() >= 60; }));

  const ProgramEnd end = scene.run({"export", "-o", "out.jsonl"});
  Json status = json_of(scene.run({"status", "--json"}).out);

  CHECK(harvest->running());
  CHECK(end.code == 0);
  auto lines = json_lines(scene.read("out.jsonl"));
  CHECK(lines.size() >= 50);
  CHECK(lines.size() < 250);
  CHECK(json_of(scene.read("out.jsonl.manifest.json"))["pairs"] == lines.size());
  CHECK(status["responses"] >= lines.size());
  CHECK(harvest->wait().code == 0);
  CHECK(scene.number("SELECT count(*) FROM response") == 250);
}

// As `retort export … -o - | head -1`.
TEST_CASE("a reader that has enough ends an export quietly", "[e2e][export]") {
  Scene scene;
  scene.write("prompts.jsonl", sums(400));
  REQUIRE(scene.harvest().code == 0);
  int ends[2];
  REQUIRE(pipe2(ends, O_CLOEXEC) == 0);
  fcntl(ends[1], F_SETPIPE_SZ, 4096);
  ProgramSetup setup = scene.setup({"export", "-o", "-"});
  setup.output_descriptor = ends[1];

  Program program(setup);
  close(ends[1]);
  char first = 0;
  CHECK(read(ends[0], &first, 1) == 1);
  CHECK(first == '{');
  close(ends[0]);
  const ProgramEnd end = program.wait(20s);

  CHECK(end.code == 141);  // what a shell reports of a program that SIGPIPE ended
  CHECK(end.err == "");
}

TEST_CASE("an export that cannot be written leaves what was there", "[e2e][export]") {
  Scene scene;
  scene.write("prompts.jsonl", sums(500));
  REQUIRE(scene.harvest().code == 0);
  scene.write("out.jsonl", "older\n");
  const auto files = scene.files();

  ProgramSetup setup = scene.setup({"export", "-o", "out.jsonl"});
  setup.file_bytes_max = 50'000;
  const ProgramEnd full = Program(setup).wait();
  CHECK(full.code == 8);
  CHECK(said(full).size() == 1);
  CHECK(has(full.err, "cannot write"));

  for (const char* place : {"none/out.jsonl", "corpus.db"}) {
    const ProgramEnd end = scene.run({"export", "-o", place});
    CHECK(end.code == 2);
    CHECK(said(end).size() == 1);
    CHECK(has(end.err, place));
  }
  CHECK(scene.read("out.jsonl") == "older\n");
  CHECK(scene.files() == files);
  CHECK(scene.number("SELECT count(*) FROM response") == 500);
}

TEST_CASE("without the right to train nothing is exported, and a permission is kept", "[e2e][terms]") {
  const std::string allowed = GENERATE("false", "");
  CAPTURE(allowed);
  Scene scene({}, {{"outputs_may_train", allowed}});
  scene.write("prompts.jsonl", sums(4));
  const ProgramEnd harvest = scene.harvest({"--terms-unknown"});
  REQUIRE(harvest.code == 0);
  CHECK(has(harvest.err, allowed == "false" ? "may NOT be used for training" : "(unknown)"));
  const auto files = scene.files();

  const ProgramEnd refused = scene.run({"export", "-o", "out.jsonl"});
  CHECK(refused.code == 6);
  CHECK(said(refused).size() == 1);
  CHECK(has(refused.err, "4 of 4 responses"));
  CHECK(has(refused.err, "--permission"));
  CHECK(scene.run({"export", "-o", "-"}).out == "");
  CHECK(scene.run({"export", "-o", "out.jsonl", "--permission", " "}).code == 2);
  CHECK(scene.files() == files);

  const std::string statement = "the owner, 2026-01-02, letter 17";
  REQUIRE(scene.run({"export", "-o", "out.jsonl", "--permission", statement}).code == 0);
  Json manifest = json_of(scene.read("out.jsonl.manifest.json"));
  CHECK(manifest["permissions"] ==
        Json::array({{{"kind", "permission"}, {"statement", statement}, {"stated", "now"}}}));
  CHECK(manifest["audit"]["pairs_without_right"] == 4);
  CHECK(scene.text("SELECT statement FROM permission") == statement);
  CHECK(json_lines(scene.read("out.jsonl")).size() == 4);
}

TEST_CASE("an answer that names another maker stops the export until it is explained", "[e2e][terms]") {
  Scene scene({.scenario = "1: other_maker; then: ok"}, {{"vendor", "\"DeepSeek\""}});
  scene.write("prompts.jsonl", sums(4));
  REQUIRE(scene.harvest().code == 0);

  const ProgramEnd refused = scene.run({"export", "-o", "out.jsonl"});
  CHECK(refused.code == 6);
  CHECK(said(refused).size() == 1);
  CHECK(has(refused.err, "1 of 4 responses name another maker"));
  CHECK(has(refused.err, "OpenAI"));
  CHECK(scene.run({"export", "-o", "out.jsonl", "--permission", "the owner"}).code == 6);
  CHECK(scene.read("out.jsonl") == "");

  REQUIRE(scene.run({"export", "-o", "out.jsonl", "--explain", "it was asked to pretend"}).code == 0);
  Json manifest = json_of(scene.read("out.jsonl.manifest.json"));
  CHECK(manifest["permissions"][0]["statement"] == "it was asked to pretend");
  CHECK(manifest["audit"]["contradicting_pairs"] == 1);
  CHECK(json_lines(scene.read("out.jsonl")).size() == 4);
}

}  // namespace
}  // namespace retort
