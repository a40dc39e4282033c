// A manifest outlives what was forgotten of its corpus: tombstones stand in for it, and for nothing else.
#include <filesystem>

#include "tests/catch.h"
#include "tests/e2e/scene.h"

namespace retort {
namespace {

/// Sums with every end that an answer can have: 2 + 2 is of the wanted shape the second time, 3 + 3 never, 4 + 4 is cut
/// first and of another shape then, 5 + 5 is cut for good; the second samples of all others are wrong.
struct Mixed : Scene {
  Mixed() : Scene(options(), {{"price_output_per_million", "1.0"}, {"max_in_flight", "1"}}) {
    std::string text;
    for (int i = 1; i <= 12; ++i)
      text += dump_json({{"prompt", sum_prompt(i)}, {"reference", std::to_string(2 * i)}}) + "\n";
    write("prompts.jsonl", text);
    write("schema.json", R"({"type": "integer"})");
    harvest({"-n", "2", "--validate", "schema.json"});
    harvest({"-n", "2", "--validate", "schema.json", "--retry", "truncated"});
  }
  static FakeTeacherOptions options() {
    FakeTeacherOptions options;
    options.scenario = "prompt 4 + 4 first 2: length; prompt 5 + 5: length";
    options.says = [](const ChatRequest& asked, int time) -> std::string {
      const std::string& text = asked.last_user_text;
      if (text == sum_prompt(2) && time == 1) return "four, I think";
      if (text == sum_prompt(3) || text == sum_prompt(4)) return "I think it is a number";
      return time % 2 == 0 ? "0" : "";
    };
    return options;
  }
  std::string response_to(int prompt) const {
    return text(("SELECT min(response_id) FROM pairs WHERE prompt = '" + sum_prompt(prompt) + "'").c_str());
  }
  Json verified(const std::string& file, int code, const std::string& corpus = "corpus.db") const {
    const ProgramEnd end = run({"verify-manifest", file, "-c", corpus, "--json"});
    CAPTURE(file, end.err, end.out);
    CHECK(end.code == code);
    return json_of(end.out);
  }
};

TEST_CASE("what is forgotten is named, and everything else still proved, however its answers ended", "[e2e][forget]") {
  Mixed scene;
  REQUIRE(scene.number("SELECT count(*) FROM pairs WHERE invalid IS NOT NULL") > 2);
  REQUIRE(scene.number("SELECT count(*) FROM pairs WHERE finish = 'length'") > 2);
  const std::vector<std::string> views = {"all", "clean", "preference"};
  for (const std::string& view : views) {
    if (view != "all") REQUIRE(scene.run({"curate", "--recipe", view}).code == 0);
    const std::string format = view == "preference" ? "preference" : "chat";
    REQUIRE(scene.run({"export", "--view", view, "-f", format, "-o", view + ".jsonl"}).code == 0);
  }

  // One prompt after the other, down to none: whatever state its requests are in, the proof holds.
  for (const int prompt : {3, 4, 5, 2, 1, 7}) {
    CAPTURE(prompt);
    REQUIRE(scene.run({"forget", scene.response_to(prompt), "--because", "asked to"}).code == 0);
    for (const std::string& view : views) {
      Json proof = scene.verified(view + ".jsonl.manifest.json", 0);
      CHECK(proof["differences"].empty());
      CHECK(proof["responses"] == json_of(scene.read(view + ".jsonl.manifest.json"))["merkle"]["leaves"]);
    }
  }
  Json proof = scene.verified("all.jsonl.manifest.json", 0);
  CHECK(proof["forgotten"] == proof["forgotten_responses"].size());
  std::set<std::int64_t> named;
  for (const Json& response : proof["forgotten_responses"]) named.insert(response.get<std::int64_t>());
  std::set<std::int64_t> exported;  // the lines of the export that are no more in the corpus
  for (const Json& line : json_lines(scene.read("all.jsonl"))) {
    const auto id = line["retort"]["response"].get<std::int64_t>();
    if (scene.number(("SELECT count(*) FROM \"all\" WHERE response_id = " + std::to_string(id)).c_str()) == 0)
      exported.insert(id);
  }
  CHECK(named == exported);
  CHECK(named.size() > 4);
  const ProgramEnd told = scene.run({"verify-manifest", "all.jsonl.manifest.json"});
  CHECK(has(told.out, "forgotten since: " + std::to_string(*named.begin()) + ", "));
  CHECK(has(scene.run({"show", std::to_string(*named.begin())}).err, "asked to"));

  // A manifest made since covers what was left, and holds as well, also when more of that is forgotten.
  for (const std::string& view : views) {
    const std::string format = view == "preference" ? "preference" : "chat";
    REQUIRE(scene.run({"export", "--view", view, "-f", format, "-o", "later." + view + ".jsonl"}).code == 0);
    CHECK(scene.verified("later." + view + ".jsonl.manifest.json", 0)["forgotten"] == 0);
  }
  REQUIRE(scene.run({"forget", scene.response_to(9), "--because", "asked to"}).code == 0);
  for (const std::string& view : views) {
    CHECK(scene.verified("later." + view + ".jsonl.manifest.json", 0)["forgotten"] > 0);
    scene.verified(view + ".jsonl.manifest.json", 0);
  }
  REQUIRE(scene.run({"export", "-o", "latest.jsonl"}).code == 0);
  scene.verified("latest.jsonl.manifest.json", 0);
  CHECK(json_lines(scene.read("later.all.jsonl")).size() == json_lines(scene.read("all.jsonl")).size() - named.size());
  CHECK(scene.run({"fsck"}).code == 0);
}

TEST_CASE("a tombstone proves nothing but what it stands for", "[e2e][forget]") {
  Mixed scene;
  REQUIRE(scene.run({"export", "-o", "all.jsonl"}).code == 0);
  REQUIRE(scene.run({"forget", scene.response_to(1), scene.response_to(7), "--because", "asked to"}).code == 0);
  Json before = scene.verified("all.jsonl.manifest.json", 0);
  const std::string grave = std::to_string(before["forgotten_responses"][0].get<int>());
  const std::string kept = scene.response_to(9), other = scene.response_to(10);
  const std::vector<std::string> tampering = {
      "UPDATE response SET text = text || ' ' WHERE id = " + kept,
      "UPDATE response SET cost_usd = cost_usd / 2 WHERE id = " + grave,
      "UPDATE response SET obtained_at = '2020-01-01T00:00:00.000Z' WHERE id = " + grave,
      "UPDATE response SET served_model = 'another' WHERE id = " + kept,
      "UPDATE forgotten SET content = (SELECT content FROM forgotten WHERE response_id <> " + grave +
          " LIMIT 1) WHERE response_id = " + grave,
      "DELETE FROM forgotten WHERE response_id = " + grave,
      "DELETE FROM tombstone WHERE id = 1",
      // Gone without a word, swapped with another, and a grave for what nobody erased.
      "UPDATE request SET status = 'failed', response_id = NULL WHERE response_id = " + kept,
      "UPDATE response SET text = CASE id WHEN " + kept + " THEN (SELECT text FROM response WHERE id = " + other +
          ") ELSE (SELECT text FROM response WHERE id = " + kept + ") END WHERE id IN (" + kept + ", " + other + ")",
      "INSERT INTO tombstone (prompt_id, digest, responses, reason, run_id, at) SELECT request.prompt_id, 'd', 1, "
      "'none', 1, '2026' FROM request WHERE response_id = " +
          kept,
  };
  const std::string whole = scene.read("corpus.db");
  for (const std::string& change : tampering) {
    CAPTURE(change);
    for (const char* rest : {"corpus.db-wal", "corpus.db-shm"}) std::filesystem::remove(scene.path(rest));
    scene.write("corpus.db", whole);
    scene.execute(change.c_str());
    CHECK_FALSE(scene.verified("all.jsonl.manifest.json", 7)["differences"].empty());
  }
  for (const char* rest : {"corpus.db-wal", "corpus.db-shm"}) std::filesystem::remove(scene.path(rest));
  scene.write("corpus.db", whole);
  CHECK(scene.verified("all.jsonl.manifest.json", 0)["forgotten"] == before["forgotten"]);
}

}  // namespace
}  // namespace retort
