// The commands that look after a corpus, as a user meets them: fsck, snapshot, forget.
#include <csignal>
#include <filesystem>

#include "tests/catch.h"
#include "tests/e2e/scene.h"

namespace retort {
namespace {

// when:  a harvest is killed, the corpus is checked, damaged by hand, and checked again
// then:  a note and exit 0; then a line that says what is wrong, and exit 7
TEST_CASE("fsck says whether a corpus is sound, in lines and in JSON", "[e2e][fsck]") {
  Scene scene;
  scene.write("prompts.jsonl", sums(20));
  REQUIRE(scene.harvest().code == 0);

  const ProgramEnd sound = scene.run({"fsck"});
  CHECK(sound.code == 0);
  CHECK(has(sound.out, "sound    corpus.db: 20 prompts, 20 requests, 20 attempts, 20 responses, 20 raw bodies"));
  const Json json = json_of(scene.run({"fsck", "--json"}).out);
  CHECK(json["sound"] == true);
  CHECK(json["findings"].empty());

  scene.execute("UPDATE prompt SET messages = replace(messages, '7 + 7', '7 + 8')");
  const ProgramEnd damaged = scene.run({"fsck"});
  CHECK(damaged.code == 7);
  CHECK(has(damaged.out, "damaged  1 prompts whose messages are not what their digest says (id "));
  CHECK(has(damaged.err, "corpus.db: is damaged; nothing was changed"));
  const Json told = json_of(scene.run({"fsck", "--json"}).out);
  CHECK(told["sound"] == false);
  CHECK(told["findings"].size() == 2);  // the request's digest holds the messages too
  CHECK(told["findings"][0]["check"] == "digest");
}

TEST_CASE("fsck of what is no corpus says so", "[e2e][fsck]") {
  Scene scene;
  CHECK(scene.run({"fsck", "-c", "nothing.db"}).code == 2);
  scene.write("notes.txt", std::string(2000, 'n'));
  const ProgramEnd end = scene.run({"fsck", "-c", "notes.txt"});
  CHECK(end.code == 7);
  CHECK(has(end.err, "no SQLite database"));
  CHECK(scene.read("notes.txt") == std::string(2000, 'n'));
}

TEST_CASE("a snapshot of a running harvest is a sound corpus that can be harvested on", "[e2e][snapshot]") {
  Scene scene({.latency = 10ms});
  scene.write("prompts.jsonl", sums(600));
  const auto program = scene.start(scene.harvest_words());
  REQUIRE(eventually([&] { return scene.teacher().requests() >= 100; }));

  const ProgramEnd copied = scene.run({"snapshot", "-o", "copy.db"});
  REQUIRE(copied.code == 0);
  CHECK(program->running());
  CHECK(program->wait().code == 0);
  CHECK(scene.number("SELECT count(*) FROM response") == 600);

  CHECK(scene.run({"fsck", "-c", "copy.db"}).code == 0);
  const Json kept = json_of(scene.run({"status", "--json", "-c", "copy.db"}).out);
  CHECK(kept["responses"].get<int>() > 50);
  CHECK(kept["responses"].get<int>() < 600);
  const ProgramEnd again = scene.run({"snapshot", "-o", "copy.db"});
  CHECK(again.code == 2);
  CHECK(has(again.err, "exists already"));
  for (const std::string& name : scene.files()) CHECK_FALSE(has(name, ".partial-"));
}

TEST_CASE("what is forgotten is not shown, exported or asked again", "[e2e][forget]") {
  Scene scene;
  scene.write("prompts.jsonl", sums(10));
  REQUIRE(scene.harvest().code == 0);

  const ProgramEnd why = scene.run({"forget", "3"});
  CHECK(why.code == 2);
  CHECK(has(why.err, "--because"));
  CHECK(scene.run({"forget"}).code == 2);
  const ProgramEnd listed = scene.run({"forget", "--containing", "is 4 + 4", "--dry-run"});
  CHECK(listed.code == 0);
  CHECK(has(listed.out, "would be forgotten"));
  CHECK(scene.number("SELECT count(*) FROM tombstone") == 0);

  const ProgramEnd forgotten = scene.run({"forget", "--containing", "is 4 + 4", "--because", "ticket 12", "--json"});
  REQUIRE(forgotten.code == 0);
  const Json json = json_of(forgotten.out);
  REQUIRE(json["prompts"].size() == 1);
  const std::string id = std::to_string(json["prompts"][0]["responses"].at(0).get<int>());
  for (const std::string& name : scene.files()) {
    if (name.starts_with("corpus.db")) CHECK_FALSE(has(scene.read(name), "4 + 4"));
  }
  const ProgramEnd shown = scene.run({"show", id});
  CHECK(shown.code == 2);
  CHECK(has(shown.err, "was forgotten on"));
  CHECK(has(shown.err, "ticket 12"));
  const ProgramEnd exported = scene.run({"export", "-o", "-"});
  CHECK(exported.code == 0);
  CHECK(lines_of(exported.out).size() == 9);

  CHECK(scene.harvest({"--retry", "failed,truncated"}).code == 0);
  CHECK(scene.teacher().requests() == 10);
  CHECK(scene.run({"fsck"}).code == 0);
}

TEST_CASE("forgetting waits for no harvest: it is refused", "[e2e][forget]") {
  Scene scene({.latency = 50ms});
  scene.write("prompts.jsonl", sums(200));
  const auto program = scene.start(scene.harvest_words());
  REQUIRE(eventually([&] { return scene.teacher().requests() >= 20; }));
  const ProgramEnd refused = scene.run({"forget", "1", "--because", "why"});
  CHECK(refused.code == 7);
  CHECK(has(refused.err, "another harvest"));
  program->send(SIGKILL);
  program->wait();
}

}  // namespace
}  // namespace retort
