// Prompts that a teacher makes, with the real program: on record, paid for once, the same again, and traced to their
// maker's terms.
#include <csignal>

#include "core/base/hash.h"
#include "tests/catch.h"
#include "tests/e2e/scene.h"

namespace retort {
namespace {

/// Six words that follow from a text.
std::string words_from(const std::string& text) {
  static const std::vector<std::string> kWords = {"amber",  "barley", "copper", "dahlia", "ember",   "falcon",
                                                  "garnet", "hazel",  "indigo", "jasper", "kestrel", "linden",
                                                  "maple",  "nectar", "onyx",   "pebble", "quartz",  "raven"};
  const std::string hash = sha256_hex(text);
  std::string all;
  for (std::size_t i = 0; i < 6; ++i)
    all += (i == 0 ? "" : " ") + kWords[std::stoul(hash.substr(i * 4, 4), nullptr, 16) % kWords.size()];
  return all;
}

/// Writes lists where tasks or questions are asked for, rewrites what is given, and judges what is equal.
FakeTeacherOptions inventive(int silent_every = 0) {
  FakeTeacherOptions options;
  options.says = [silent_every](const ChatRequest& asked, int) -> std::string {
    const std::string& text = asked.last_user_text;
    if (has(text, "Come up with") || has(text, "Write 3 different")) {
      if (silent_every > 0 && std::stoul(sha256_hex(text).substr(0, 6), nullptr, 16) % silent_every == 0)
        return "I would rather not.";
      std::string list = "Here you are:\n\n";
      for (int i = 1; i <= 8; ++i)
        list += std::to_string(i) + ". Explain " + words_from(text + std::to_string(i)) + "\n";
      return list;
    }
    if (has(text, "#Given Prompt#")) {
      if (has(text, "stubborn")) return "a stubborn prompt";
      return "#Rewritten Prompt#:\nNow with care, explain " + words_from(text);
    }
    if (has(text, "Are they equal")) return has(text, "falcon") ? "Equal" : "Not Equal";
    return "";
  };
  options.completes = [](const Json& body, int time) -> std::string {
    if (json_text(body, "prompt") != "<|im_start|>user\n") return "wrong template";
    if (time % 5 == 0) return "short";
    return "What is " + words_from("m" + std::to_string(time % 7)) + "?";
  };
  return options;
}

const std::string kSeeds =
    "{\"prompt\": \"Describe the tides of the North Sea.\"}\n{\"prompt\": \"a stubborn prompt\"}\n"
    "{\"prompt\": \"Translate 'good morning' into Latin.\"}\n";

TEST_CASE("self-instruct makes as many as asked, the same again for nothing, and traceable", "[e2e][makers]") {
  Scene scene(inventive(4));
  scene.write("seeds.jsonl", kSeeds);
  const std::vector<std::string> words = {"prompts",     "self-instruct", "-t", "fake", "--seeds",
                                          "seeds.jsonl", "--count",       "20", "-q"};
  const ProgramEnd made = scene.run(words);
  CAPTURE(made.err);
  REQUIRE(made.code == 0);
  const std::vector<Json> rows = json_lines(made.out);
  REQUIRE(rows.size() == 20);
  const auto requests = scene.teacher().requests();
  CHECK(scene.run(words).out == made.out);
  CHECK(scene.teacher().requests() == requests);
  // A longer file begins with the shorter one.
  std::vector<std::string> longer = words;
  longer[7] = "30";
  const ProgramEnd more = scene.run(longer);
  CHECK(more.out.starts_with(made.out));
  CHECK(lines_of(more.out).size() == 30);

  // Nothing of it is a pair, until the prompts are harvested.
  CHECK(scene.number("SELECT count(*) FROM \"all\"") == 0);
  CHECK(scene.number("SELECT count(*) FROM made_prompt") == 30);
  scene.write("prompts.jsonl", made.out);
  REQUIRE(scene.harvest({"--system", "Be brief."}).code == 0);
  CHECK(scene.number("SELECT count(*) FROM \"all\"") == 20);
  const ProgramEnd exported = scene.run({"export", "-o", "out.jsonl"});
  REQUIRE(exported.code == 0);
  Json manifest = json_of(scene.read("out.jsonl.manifest.json"));
  CHECK(manifest["prompt_makers"][0]["pairs"]["self-instruct"] == 20);
  Json trace = json_of(scene.run({"trace", lines_of(scene.read("out.jsonl"))[0], "--json"}).out);
  REQUIRE(trace["prompt_made_by"].size() >= 1);
  CHECK(trace["prompt_made_by"][0]["method"] == "self-instruct");
  CHECK(trace["prompt_made_by"][0]["terms"]["outputs_may_train"] == true);
  CHECK(trace["prompt_made_by"][0]["response"] > 0);

  // Whoever asks it otherwise still owes it to the maker: its terms count wherever its prompts go.
  REQUIRE(scene.run({"harvest", "prompts.jsonl", "-t", "fake", "-q", "-c", "other.db"}).code == 0);
  REQUIRE(scene.run({"terms", "amend", "-t", "fake", "--may-train", "no", "--because", "Ada"}).code == 0);
  CHECK(scene.run({"export", "-o", "no.jsonl"}).code == 6);
  Json elsewhere = json_of(scene.run({"trace", "1", "-c", "other.db", "--json"}).out);
  CHECK(elsewhere["prompt_made_by"][0]["teacher"] == "fake");
  CHECK(has(made.err, "answer without a list"));
}

TEST_CASE("a maker with unknown terms bars what is made of its prompts", "[e2e][makers]") {
  Scene scene(inventive());
  const std::string toml = scene.read("retort.toml");
  std::string maker = toml;
  maker.replace(maker.find("[teacher.fake]"), 14, "[teacher.maker]");
  maker.replace(maker.find("outputs_may_train = true"), 24, "");
  scene.write("retort.toml", toml + maker);
  scene.write("seeds.jsonl", kSeeds);
  const std::vector<std::string> words = {"prompts",     "self-instruct", "-t", "maker", "--seeds",
                                          "seeds.jsonl", "--count",       "5",  "-o",    "prompts.jsonl"};
  CHECK(scene.run(words).code == 6);
  std::vector<std::string> unknown = words;
  unknown.push_back("--terms-unknown");
  REQUIRE(scene.run(unknown).code == 0);
  for (const std::string corpus : {"corpus.db", "other.db"}) {
    CAPTURE(corpus);
    REQUIRE(scene.run({"harvest", "prompts.jsonl", "-t", "fake", "-q", "-c", corpus}).code == 0);
    const ProgramEnd barred = scene.run({"export", "-c", corpus, "-o", "out.jsonl"});
    CHECK(barred.code == 6);
    CHECK(has(barred.err, "'maker'"));
    CHECK(scene.run({"export", "-c", corpus, "-o", "out.jsonl", "--permission", "Ada, 2026"}).code == 0);
  }
}

TEST_CASE("evolve asks on from its own prompts and eliminates by the paper's rules", "[e2e][makers]") {
  Scene scene(inventive());
  scene.write("seeds.jsonl", kSeeds);
  const std::vector<std::string> words = {"prompts",  "evolve", "-t", "fake",         "--seeds", "seeds.jsonl",
                                          "--rounds", "3",      "-o", "harder.jsonl", "--json",  "-q"};
  const ProgramEnd made = scene.run(words);
  CAPTURE(made.err, made.out);
  REQUIRE(made.code == 0);
  const std::vector<Json> rows = json_lines(scene.read("harder.jsonl"));
  Json sum = json_of(made.out);
  CHECK(sum["prompts"] == rows.size());
  CHECK(sum["dropped"]["it is what it was"] == 3);  // the stubborn one, each round
  REQUIRE(rows.size() >= 2);
  // A prompt of a later round has the one before it as its parent.
  bool grandchild = false;
  for (const Json& row : rows) {
    CHECK(row["made"]["parents"].size() == 1);
    for (const Json& other : rows) grandchild = grandchild || row["made"]["parents"][0] == other["made"]["digest"];
    CHECK_FALSE(has(row["prompt"], "Rewritten"));
  }
  CHECK(grandchild);
  const std::string before = scene.read("harder.jsonl");
  const auto requests = scene.teacher().requests();
  REQUIRE(scene.run(words).code == 0);
  CHECK(scene.read("harder.jsonl") == before);
  CHECK(scene.teacher().requests() == requests);

  // Asked with --check-answers, a later harvest has these answers already.
  std::vector<std::string> checked = words;
  checked.push_back("--check-answers");
  REQUIRE(scene.run(checked).code == 0);
  const auto paid = scene.teacher().requests();
  CHECK(paid > requests);
  REQUIRE(scene.run({"harvest", "harder.jsonl", "-t", "fake", "-q"}).code == 0);
  CHECK(scene.teacher().requests() == paid);
  CHECK(scene.number("SELECT count(*) FROM \"all\"") ==
        static_cast<std::int64_t>(json_lines(scene.read("harder.jsonl")).size()));

  REQUIRE(scene.run({"forget", "--containing", "Describe the tides", "--because", "asked to"}).code == 0);
  CHECK(scene.number("SELECT count(*) FROM prompt WHERE instr(messages, 'Describe the tides')") == 0);
}

TEST_CASE("magpie wants a dialect that completes, and its template's end", "[e2e][makers]") {
  Scene chat(inventive());
  const std::vector<std::string> words = {"prompts", "magpie",  "-t", "fake", "--template",
                                          "chatml",  "--count", "5",  "-q"};
  const ProgramEnd refused = chat.run(words);
  CHECK(refused.code == 2);
  CHECK(has(refused.err, "openai-completions"));
  CHECK(chat.teacher().requests() == 0);

  Scene scene(inventive(), {{"api", "\"openai-completions\""}});
  const ProgramEnd made = scene.run(words);
  CAPTURE(made.err);
  REQUIRE(made.code == 0);
  const std::vector<Json> rows = json_lines(made.out);
  REQUIRE(rows.size() == 5);
  CHECK(rows[0]["made"]["method"] == "magpie");
  CHECK(has(scene.text("SELECT parameters FROM request LIMIT 1"), "<|im_end|>"));
  const auto requests = scene.teacher().requests();
  CHECK(scene.run(words).out == made.out);
  CHECK(scene.teacher().requests() == requests);
  CHECK(scene.run({"prompts", "magpie", "-t", "fake", "--count", "5"}).code == 2);
  CHECK(scene.run({"prompts", "magpie", "-t", "fake", "--count", "5", "--pre-query", "User: "}).code == 2);
  // A model that says the same again and again: as many as there are, and the exit code says so.
  std::vector<std::string> many = words;
  many[7] = "40";
  const ProgramEnd some = scene.run(many);
  CHECK(some.code == 3);
  CHECK(lines_of(some.out).size() < 40);
}

TEST_CASE("topics and personas: each with each, capped, stopped and gone on with", "[e2e][makers]") {
  FakeTeacherOptions options = inventive();
  options.latency = 20ms;
  Scene scene(options, {{"max_in_flight", "1"}});
  scene.write("topics.txt", "bees\nrivers\n\n# no topic\nglass\n");
  scene.write("personas.txt", "a baker\na child\n");
  const std::vector<std::string> words = {"prompts",    "topics",       "-t", "fake",          "--topics", "topics.txt",
                                          "--personas", "personas.txt", "-q", "--per-request", "3"};
  std::vector<std::string> capped = words;
  capped.insert(capped.end(), {"--max-requests", "2"});
  const ProgramEnd cap = scene.run(capped);
  CAPTURE(cap.err);
  CHECK(cap.code == 5);
  {
    auto running = scene.start(words);
    CHECK(eventually([&] { return scene.teacher().requests() >= 4; }));
    running->send(SIGKILL);
    running->wait();
  }
  const ProgramEnd made = scene.run(words);
  REQUIRE(made.code == 0);
  CHECK(json_lines(made.out).size() > 20);
  CHECK(scene.number("SELECT count(*) FROM request") == 6);  // three topics, two personas
  CHECK(scene.number("SELECT count(*) FROM response") == 6);
  CHECK(scene.run({"prompts", "topics", "-t", "fake", "--topics", "none.txt"}).code == 2);
  CHECK(scene.run({"prompts", "topics", "-t", "fake", "--topics", "topics.txt", "--ask", "Write {{n}}"}).code == 2);
}

}  // namespace
}  // namespace retort
