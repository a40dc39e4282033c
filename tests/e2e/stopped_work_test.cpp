// Ctrl-C and kill -9 in work of several steps: rounds, makers of prompts, judges. Whoever runs the command again gets
// what an uninterrupted run gives, and pays again at most for what was in flight when the process died.
#include <csignal>

#include "core/base/hash.h"
#include "tests/catch.h"
#include "tests/e2e/scene.h"

namespace retort {
namespace {

constexpr int kInFlight = 2;
constexpr int kCuts = 3;

/// Lists, verdicts and sums, each following from the question alone: the order of asking changes nothing.
FakeTeacherOptions teacher_of_all() {
  FakeTeacherOptions options;
  options.latency = 25ms;
  options.says = [](const ChatRequest& asked, int) -> std::string {
    const std::string& text = asked.last_user_text;
    const std::string digest = sha256_hex(dump_json(asked.messages));
    if (has(dump_json(asked.messages), "You grade one answer"))
      return digest[0] < '8' ? "VERDICT: RIGHT" : "VERDICT: WRONG";
    if (has(text, "#Given Prompt#")) return "#Rewritten Prompt#:\nExplain with care " + digest.substr(0, 24);
    if (has(text, "Are they equal")) return "Not Equal";
    if (!has(text, "Come up with") && !has(text, "Write 3 different")) return "";
    std::string list;
    for (std::size_t i = 0; i < 6; ++i) {
      const std::string of = sha256_hex(digest + std::to_string(i));
      list += std::to_string(i + 1) + ". Tell of";
      for (std::size_t word = 0; word < 6; ++word) list += " " + of.substr(word * 6, 6);
      list += "\n";
    }
    return list;
  };
  // Each sample has a seed of its own, from which its text follows.
  options.completes = [](const Json& body, int) -> std::string {
    const std::string of = sha256_hex(std::to_string(json_count(body, "seed").value_or(0)));
    std::string text = "What is";
    for (std::size_t word = 0; word < 6; ++word) text += " " + of.substr(word * 6, 6);
    return text + "?";
  };
  return options;
}

struct Job {
  const char* name;
  std::vector<std::string> words;
  const char* api = "openai-chat";
};

std::vector<Job> jobs() {
  return {
      {"self-instruct", {"prompts", "self-instruct", "-t", "fake", "--seeds", "seeds.jsonl", "--count", "100", "-q"}},
      {"evolve", {"prompts", "evolve", "-t", "fake", "--seeds", "seeds.jsonl", "--rounds", "5", "-q"}},
      {"topics", {"prompts", "topics", "-t", "fake", "--topics", "topics.txt", "--per-request", "3", "-q"}},
      {"magpie",
       {"prompts", "magpie", "-t", "fake", "--template", "chatml", "--count", "40", "--seed", "7", "-q"},
       "openai-completions"},
      {"rounds", {"harvest", "prompts.jsonl", "-t", "fake", "-q", "--until-verified", "1", "--max-samples", "3"}},
      {"judge", {"curate", "--recipe", "judged.toml", "--json"}}};
}

struct Stage : Scene {
  explicit Stage(const Job& job)
      : Scene(teacher_of_all(),
              {{"max_in_flight", std::to_string(kInFlight)}, {"api", "\"" + std::string(job.api) + "\""}}) {
    write("seeds.jsonl",
          "{\"prompt\": \"Describe the tides of the North Sea.\"}\n{\"prompt\": \"Name three rivers.\"}\n"
          "{\"prompt\": \"Translate 'good morning' into Latin.\"}\n{\"prompt\": \"Why is the sky blue?\"}\n");
    std::string topics, rows;
    for (int i = 0; i < 24; ++i) topics += "topic " + std::to_string(i) + "\n";
    write("topics.txt", topics);
    // Every third reference is one that nobody gives: three samples of it are asked.
    for (int i = 1; i <= 24; ++i) {
      rows += dump_json({{"prompt", sum_prompt(i)}, {"reference", std::to_string(i % 3 == 0 ? -1 : 2 * i)}}) + "\n";
    }
    write("prompts.jsonl", rows);
    write("judged.toml",
          "name = \"judged\"\n[[stage]]\nstage = \"judge\"\nteacher = \"fake\"\nrubric = \"RIGHT if it is polite.\"\n");
  }
  void prepare(const Job& job) {
    // One after the other: a view's digest knows their order.
    if (job.name == std::string("judge")) REQUIRE(harvest({"--max-in-flight", "1"}).code == 0);
    asked_before_ = teacher().requests();
  }
  std::int64_t asked() { return teacher().requests() - asked_before_; }
  /// What came of it, told alike by every corpus that holds the same.
  std::string outcome(const Job& job, const ProgramEnd& end) const {
    if (job.name == std::string("judge")) {
      Json made = json_of(lines_of(end.out).back());
      return dump_json({made["digest"], made["funnel"]});
    }
    if (job.name == std::string("rounds"))
      return texts_of("SELECT prompt || '|' || sample || '|' || answer FROM pairs WHERE in_all ORDER BY 1");
    std::string prompts;
    for (const Json& line : json_lines(end.out)) prompts += line.at("prompt").get<std::string>() + "\n";
    return prompts;
  }

 private:
  std::string texts_of(const char* sql) const {
    std::string all;
    for (const std::string& text : texts(sql)) all += text + "\n";
    return all;
  }
  std::int64_t asked_before_ = 0;
};

TEST_CASE("work of several steps goes on where Ctrl-C or kill -9 left it", "[e2e][signal][crash]") {
  const int signal = GENERATE(SIGINT, SIGKILL);
  for (const Job& job : jobs()) {
    CAPTURE(job.name, signal);
    Stage whole(job);
    whole.prepare(job);
    const ProgramEnd straight = whole.run(job.words);
    CAPTURE(straight.err);
    REQUIRE(straight.code == 0);
    const std::int64_t requests = whole.asked();
    REQUIRE(requests >= 20);

    Stage cut(job);
    cut.prepare(job);
    for (int i = 1; i <= kCuts; ++i) {
      auto running = cut.start(job.words);
      REQUIRE(eventually([&] { return cut.asked() >= requests * i / (kCuts + 1); }));
      running->send(signal);
      const ProgramEnd end = running->wait();
      CAPTURE(end.err);
      if (signal == SIGINT) CHECK(end.code == 130);
      CHECK(cut.run({"fsck"}).code == 0);
    }
    const ProgramEnd last = cut.run(job.words);
    CAPTURE(last.err);
    REQUIRE(last.code == 0);
    CHECK(cut.outcome(job, last) == whole.outcome(job, straight));
    // A signal lets what is on the wire arrive.
    CHECK(cut.asked() >= requests);
    CHECK(cut.asked() <= requests + (signal == SIGINT ? 0 : kCuts * kInFlight));
    CHECK(cut.number("SELECT count(*) - count(DISTINCT request_id) FROM response") == 0);
  }
}

}  // namespace
}  // namespace retort
