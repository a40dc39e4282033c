// What each teacher's answers give away, with the real program.
#include "tests/catch.h"
#include "tests/e2e/scene.h"

namespace retort {
namespace {

/// Forty sums on two topics, asked in two ways; then the plain ones of one topic are declined.
struct Audited : Scene {
  Audited() : Scene({}, {{"vendor", "\"DeepSeek\""}, {"max_in_flight", "1"}}) {
    std::string text;
    for (int i = 0; i < 40; ++i) {
      Json row = {{"prompt", sum_prompt(i + 1)}, {"topic", i % 2 == 0 ? "sums" : "history"}};
      if (i < 38) row["phrasing"] = i / 2 % 2 == 0 ? "plain" : "neutral";
      text += dump_json(row) + "\n";
    }
    write("prompts.jsonl", text);
    REQUIRE(harvest().code == 0);
    execute(
        "UPDATE response SET text = 'I''m sorry, but I can''t help with that.' WHERE id IN (SELECT response_id FROM "
        "\"all\" "
        "JOIN source_row ON source_row.prompt_id = \"all\".prompt_id WHERE json_extract(metadata, '$.topic') = "
        "'history' "
        "AND json_extract(metadata, '$.phrasing') = 'plain')");
    execute("UPDATE response SET text = 'I am ChatGPT, a language model trained by OpenAI.' WHERE id = 3");
    execute("UPDATE response SET served_model = 'another-one' WHERE id IN (5, 7)");
  }
};

}  // namespace

TEST_CASE("each teacher's answers are audited, and labels are made once", "[e2e][audit]") {
  Audited scene;
  const ProgramEnd told = scene.run({"audit"});
  CAPTURE(told.out, told.err);
  REQUIRE(told.code == 0);
  CHECK(has(told.out, "teacher fake ("));
  CHECK(has(told.out, "): 40 answers"));
  CHECK(has(told.out, "I'm sorry, but I can't help with that."));
  CHECK(has(told.out, "OpenAI 1 (another maker than the profile's); response 3: the text says: I am ChatGPT"));
  const Json json = json_of(scene.run({"audit", "--json"}).out);
  const Json& audits = json["teachers"][0]["audits"];
  CHECK(audits["refusal"]["values"]["refusal"]["pairs"] == 10);
  CHECK(audits["refusal"]["values"]["refusal"]["example"] == 2);
  CHECK(audits["self_identification"]["contradicting"] == 1);
  CHECK(audits["served_model"]["found"] == 2);
  CHECK(audits["empty"]["found"] == 0);
  CHECK(json["labels"] == Json({{"made", 0}, {"known", 320}}));
  // A recipe's stages know what the audits said.
  const Json curated = json_of(scene.run({"curate", "--show", "clean"}).code == 0
                                   ? scene.run({"curate", "--recipe", "clean", "--json"}).out
                                   : "{}");
  CHECK(curated["labels"]["known"].get<int>() >= 40);
  const Json clean = json_of(scene.run({"audit", "--view", "clean", "--json"}).out);
  CHECK(clean["teachers"][0]["answers"] == curated["pairs"]);
  CHECK(clean["teachers"][0]["audits"]["refusal"]["found"] == 0);
}

TEST_CASE("a topic that is declined when asked plainly and not neutrally is told apart", "[e2e][audit]") {
  Audited scene;
  const std::vector<std::string> words = {"audit", "--by", "topic", "--neutral", "phrasing=neutral"};
  const ProgramEnd told = scene.run(words);
  CAPTURE(told.out, told.err);
  REQUIRE(told.code == 0);
  CHECK(has(told.out, "differs"));
  std::vector<std::string> as_json = words;
  as_json.push_back("--json");
  const Json teacher = json_of(scene.run(as_json).out)["teachers"][0];
  REQUIRE(teacher["topics"].size() == 2);
  CHECK(teacher["topics"][0]["topic"] == "history");
  CHECK(teacher["topics"][0]["plain"] == Json({{"answers", 11}, {"declined", 10}}));
  CHECK(teacher["topics"][0]["neutral"] == Json({{"answers", 9}, {"declined", 0}}));
  CHECK(teacher["topics"][0]["differs"] == true);
  CHECK(teacher["topics"][0]["interval"][0].get<double>() > 0.3);
  CHECK(teacher["topics"][1]["differs"] == false);
  REQUIRE(teacher["by"]["values"].size() == 2);
  CHECK(teacher["by"]["values"][0]["found"]["refusal"] == 10);

  const auto refused = [&](const std::vector<std::string>& wrong, const std::string& why) {
    const ProgramEnd end = scene.run(wrong);
    CAPTURE(end.err);
    CHECK(end.code == 2);
    CHECK(has(end.err, why));
  };
  refused({"audit", "--by", "topc"}, "no prompt has a metadata field 'topc'");
  refused({"audit", "--by", "topic", "--neutral", "phrasing=calm"}, "'phrasing' = 'calm'");
  refused({"audit", "--neutral", "phrasing=neutral"}, "wants --by FIELD");
  refused({"audit", "--neutral", "phrasing", "--by", "topic"}, "write FIELD=VALUE");
  refused({"audit", "--view", "none"}, "no view 'none'");
  refused({"audit", "-c", "none.db"}, "no such corpus");
}

}  // namespace retort
