// Streams, several answers to one request, answers of a wanted shape and follow-ups, through the real program.
#include "tests/catch.h"
#include "tests/e2e/scene.h"

namespace retort {
namespace {

constexpr const char* kOneSum = "{\"prompt\":\"What is 12 + 34?\"}\n";

Profile streaming(const Profile& more = {}) {
  Profile profile = {{"stream", "true"}, {"wait_until_ready", "false"}};
  profile.insert(more.begin(), more.end());
  return profile;
}

std::string stored_text(const Scene& scene) { return scene.text("SELECT answer FROM \"all\""); }

}  // namespace

TEST_CASE("a stream becomes the same answer as one piece, however it is split", "[e2e][stream]") {
  Scene whole;
  whole.write("prompts.jsonl", kOneSum);
  REQUIRE(whole.harvest().code == 0);
  for (const char* scenario : {"", "then: stream_comments", "then: stream_bytes"}) {
    CAPTURE(scenario);
    Scene scene({.scenario = scenario}, streaming());
    scene.write("prompts.jsonl", kOneSum);
    const ProgramEnd end = scene.harvest();
    CAPTURE(end.err);
    CHECK(end.code == 0);
    CHECK(scene.teacher().requests() == 1);
    CHECK(stored_text(scene) == stored_text(whole));
    CHECK(scene.text("SELECT reasoning FROM \"all\"") == whole.text("SELECT reasoning FROM \"all\""));
    CHECK(scene.number("SELECT output_tokens FROM \"all\"") == whole.number("SELECT output_tokens FROM \"all\""));
    CHECK(scene.number("SELECT first_token_ms IS NOT NULL FROM attempt") == 1);
    CHECK(whole.number("SELECT first_token_ms IS NULL FROM attempt") == 1);
    CHECK(scene.number("SELECT partial FROM response") == 0);
  }
}

TEST_CASE("what came before a stream was cut is kept, is no answer, and the question is asked again", "[e2e][stream]") {
  for (const char* fault : {"stream_cut", "stream_reset", "stream_ended", "stream_error"}) {
    CAPTURE(fault);
    Scene scene({.scenario = std::string("1: ") + fault}, streaming());
    scene.write("prompts.jsonl", kOneSum);
    const ProgramEnd end = scene.harvest();
    CAPTURE(end.err);
    CHECK(end.code == 0);
    CHECK(scene.teacher().requests() == 2);
    CHECK(scene.texts("SELECT partial FROM pairs ORDER BY response_id") == std::vector<std::string>{"1", "0"});
    CHECK(scene.number("SELECT count(*) FROM \"all\"") == 1);
    CHECK(scene.number("SELECT length(answer) + length(reasoning) > 0 FROM pairs WHERE partial") == 1);
    CHECK(scene.number("SELECT count(*) FROM raw") == 2);
    CHECK(scene.text("SELECT outcome FROM attempt ORDER BY id") != "answered");
    const ProgramEnd check = scene.run({"fsck"});
    CAPTURE(check.out, check.err);
    CHECK(check.code == 0);
  }
}

TEST_CASE("a stream has time-outs for its first byte and for pauses", "[e2e][stream]") {
  SECTION("no first byte, though the head is there") {
    Scene scene({.scenario = "1: stream_silent"}, streaming({{"first_byte_timeout_seconds", "0.3"}}));
    scene.write("prompts.jsonl", kOneSum);
    CHECK(scene.harvest().code == 0);
    CHECK(scene.text("SELECT outcome || ' ' || error FROM attempt WHERE id = 1") == "timed_out timeout");
    CHECK(scene.number("SELECT count(*) FROM response") == 1);
  }
  SECTION("a pause") {
    Scene scene({.scenario = "1: stream_stall"}, streaming({{"idle_timeout_seconds", "0.3"}}));
    scene.write("prompts.jsonl", kOneSum);
    CHECK(scene.harvest().code == 0);
    CHECK(scene.text("SELECT outcome || ' ' || error FROM attempt WHERE id = 1") == "timed_out timeout");
    CHECK(scene.number("SELECT count(*) FROM response WHERE partial") == 1);
    CHECK(scene.number("SELECT count(*) FROM \"all\"") == 1);
  }
  SECTION("neither of a reply that is no stream") {
    Scene scene({.latency = 600ms}, {{"first_byte_timeout_seconds", "0.2"}, {"idle_timeout_seconds", "0.2"}});
    scene.write("prompts.jsonl", kOneSum);
    CHECK(scene.harvest().code == 0);
    CHECK(scene.teacher().requests() == 1);
  }
}

TEST_CASE("one request brings several samples, and a short reply costs only what is missing", "[e2e][stream]") {
  const Profile profile = {{"server_side_n", "true"}, {"wait_until_ready", "false"}, {"price_output_per_million", "1"}};
  SECTION("all at once") {
    Scene scene({}, profile);
    scene.write("prompts.jsonl", sums(3));
    CHECK(scene.harvest({"-n", "4"}).code == 0);
    CHECK(scene.teacher().requests() == 3);
    CHECK(scene.number("SELECT count(*) FROM \"all\"") == 12);
    CHECK(scene.number("SELECT count(*) FROM raw") == 3);
    CHECK(scene.number("SELECT json_array_length(also_for) FROM attempt LIMIT 1") == 3);
    CHECK(scene.number("SELECT count(*) FROM response WHERE output_tokens IS NULL") == 12);
    CHECK(scene.number("SELECT count(*) FROM attempt WHERE output_tokens > 0") == 3);
    CHECK(scene.number("SELECT abs(sum(cost_usd) - (SELECT sum(cost_usd) FROM attempt)) < 1e-9 FROM response") == 1);
    CHECK(scene.harvest({"-n", "4"}).code == 0);
    CHECK(scene.teacher().requests() == 3);
  }
  SECTION("fewer than asked for") {
    Scene scene({.scenario = "1: short_n"}, profile);
    scene.write("prompts.jsonl", sums(1));
    CHECK(scene.harvest({"-n", "4"}).code == 0);
    CHECK(scene.teacher().requests() == 2);
    CHECK(scene.number("SELECT count(*) FROM \"all\"") == 4);
    CHECK(scene.texts("SELECT coalesce(json_array_length(also_for), 0) FROM attempt ORDER BY id") ==
          std::vector<std::string>{"3", "1"});
    CHECK(scene.number("SELECT count(DISTINCT sample) FROM \"all\"") == 4);
  }
  SECTION("each with a seed of its own is a request of its own") {
    Scene scene({}, profile);
    scene.write("prompts.jsonl", sums(1));
    CHECK(scene.harvest({"-n", "4", "--seed", "7"}).code == 0);
    CHECK(scene.teacher().requests() == 4);
  }
}

TEST_CASE("an answer of another shape is kept, marked, and asked again up to a bound", "[e2e][stream]") {
  Scene scene;
  scene.write("prompts.jsonl", kOneSum);
  scene.write("schema.json", R"({"type": "object"})");
  const ProgramEnd end = scene.harvest({"--validate", "schema.json", "--validate-tries", "3"});
  CAPTURE(end.err);
  CHECK(end.code == 3);
  CHECK(scene.teacher().requests() == 3);
  CHECK(scene.number("SELECT count(*) FROM pairs WHERE invalid LIKE '<root>: %type%'") == 3);
  CHECK(has(end.err, "last failure: invalid: <root>"));
  CHECK(scene.number("SELECT count(*) FROM \"all\"") == 0);
  CHECK(scene.text("SELECT status FROM request") == "failed");
  CHECK(scene.number("SELECT invalid_answers FROM request") == 3);
  CHECK(scene.run({"fsck"}).code == 0);
  CHECK(scene.harvest({"--validate", "schema.json", "--validate-tries", "3"}).code == 3);
  CHECK(scene.teacher().requests() == 3);

  Scene loose;
  loose.write("prompts.jsonl", kOneSum);
  loose.write("schema.json", "true");
  CHECK(loose.harvest({"--validate", "schema.json"}).code == 2);
  CHECK(loose.harvest({"--validate", "missing.json"}).code == 2);
  CHECK(loose.teacher().requests() == 0);
}

TEST_CASE("follow-ups go on from a conversation's own answer, exactly once over restarts", "[e2e][stream]") {
  Scene scene;
  scene.write("prompts.jsonl", sums(3));
  CHECK(scene.harvest().code == 0);
  CHECK(scene.teacher().requests() == 3);
  const std::vector<std::string> script = {"--follow-up", "What is 1 + 1?", "--follow-up", "What is 2 + 5?"};
  const ProgramEnd end = scene.harvest(script);
  CAPTURE(end.err);
  CHECK(end.code == 0);
  CHECK(scene.teacher().requests() == 9);
  CHECK(scene.number("SELECT count(*) FROM \"all\"") == 9);
  CHECK(scene.number("SELECT count(*) FROM request WHERE continues IS NOT NULL") == 6);
  CHECK(scene.number("SELECT max(json_array_length(messages)) FROM prompt") == 5);
  // The history is what was answered.
  CHECK(scene.number("SELECT count(*) FROM request JOIN prompt ON prompt.id = prompt_id JOIN response ON response.id = "
                     "continues WHERE json_extract(messages, '$[#-2].content') = response.text") == 6);
  CHECK(scene.harvest(script).code == 0);
  CHECK(scene.teacher().requests() == 9);
  CHECK(scene.run({"fsck"}).code == 0);

  // What goes on from a forgotten answer is forgotten with it.
  CHECK(scene.run({"forget", "1", "--because", "asked to"}).code == 0);
  CHECK(scene.number("SELECT count(*) FROM tombstone") == 3);
}

TEST_CASE("stored bodies are read again: nothing changes by itself, and what was lost or garbled comes back",
          "[e2e][decode]") {
  Scene scene;
  scene.write("prompts.jsonl", sums(3));
  REQUIRE(scene.harvest().code == 0);
  const ProgramEnd idle = scene.run({"decode"});
  CAPTURE(idle.out, idle.err);
  CHECK(idle.code == 0);
  CHECK(idle.out.empty());
  const std::string text = scene.text("SELECT text FROM response WHERE id = 2");

  scene.execute("UPDATE response SET text = 'garbled', output_tokens = 1 WHERE id = 2");
  scene.execute(
      "UPDATE request SET status = 'failed', response_id = NULL WHERE id = (SELECT request_id FROM response "
      "WHERE id = 3)");
  scene.execute(
      "UPDATE attempt SET outcome = 'failed', error = 'not_json' WHERE id = (SELECT attempt_id FROM response "
      "WHERE id = 3)");
  scene.execute("DELETE FROM response WHERE id = 3");
  const ProgramEnd dry = scene.run({"decode", "--dry-run"});
  CHECK(has(dry.out, "response 2: output_tokens, text"));
  CHECK(has(dry.out, "could not be read before"));
  CHECK(scene.text("SELECT text FROM response WHERE id = 2") == "garbled");

  CHECK(scene.run({"decode"}).code == 0);
  CHECK(scene.text("SELECT text FROM response WHERE id = 2") == text);
  CHECK(scene.number("SELECT count(*) FROM \"all\"") == 3);
  CHECK(scene.number("SELECT count(*) FROM redecoded WHERE length(before) = 64") == 2);
  CHECK(scene.run({"decode"}).out.empty());
  CHECK(scene.run({"fsck"}).code == 0);
}

TEST_CASE("a corpus that is being harvested is not decoded again meanwhile", "[e2e][decode]") {
  Scene scene({.latency = 3s});
  scene.write("prompts.jsonl", sums(1));
  const auto running = scene.start(scene.harvest_words());
  REQUIRE(eventually([&] { return scene.teacher().requests() == 1; }));
  CHECK(scene.run({"decode"}).code == 7);
  CHECK(running->wait().code == 0);
}

}  // namespace retort
