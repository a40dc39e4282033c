// `retort batch` as somebody uses it: submitted, looked at, collected, cancelled; killed in the middle and called
// again; beside a harvest of the same corpus.
#include <csignal>

#include "tests/catch.h"
#include "tests/e2e/scene.h"
#include "tests/support/fake_batch_server.h"

namespace retort {
namespace {

/// A scene whose teacher is the fake one's batch side.
struct BatchScene : Scene {
  explicit BatchScene(FakeBatchPlan plan = {}, const Profile& more = {}) : provider(std::move(plan)) {
    speak("openai", more);
  }
  /// Anthropic's paths begin at the host.
  void speak(const std::string& dialect, const Profile& more = {}) {
    const bool anthropic = dialect == "anthropic";
    Profile profile = {{"base_url", "\"" + provider.origin() + (anthropic ? "" : "/v1") + "\""},
                       {"api", anthropic ? "\"anthropic\"" : "\"openai-chat\""},
                       {"batch_settle_seconds", "0"},
                       {"price_input_per_million", "1.0"},
                       {"price_output_per_million", "2.0"}};
    for (const auto& [key, value] : more) profile[key] = value;
    configure(profile);
  }
  FakeBatchServer provider;
};

std::vector<std::string> words(std::vector<std::string> first, const std::vector<std::string>& more) {
  first.insert(first.end(), more.begin(), more.end());
  return first;
}
std::vector<std::string> submit_words(const std::vector<std::string>& more = {}) {
  return words({"batch", "submit", "prompts.jsonl", "-t", "fake", "--max-tokens", "64"}, more);
}
ProgramEnd submit(const Scene& scene, const std::vector<std::string>& more = {}) {
  return scene.run(submit_words(more));
}
ProgramEnd collect(const Scene& scene, const std::vector<std::string>& more = {}) {
  return scene.run(words({"batch", "collect"}, more));
}

void check_bought_once(BatchScene& scene, int prompts) {
  const auto bought = scene.provider.batches().bought();
  CHECK(bought.size() == static_cast<std::size_t>(prompts));
  for (const auto& [prompt, times] : bought) {
    CAPTURE(prompt);
    CHECK(times == 1);
  }
  CHECK(scene.number("SELECT count(*) FROM request WHERE status = 'answered'") == prompts);
  CHECK(scene.number("SELECT count(*) FROM response") == prompts);
  CHECK(scene.number("SELECT count(*) FROM raw") == prompts);
  CHECK(scene.number("SELECT count(*) FROM attempt WHERE outcome IN ('unsent', 'sent')") == 0);
  const ProgramEnd fsck = scene.run({"fsck"});
  CAPTURE(fsck.out);
  CHECK(fsck.code == 0);
}

}  // namespace

TEST_CASE("a batch is submitted, looked at and collected, and its answers are like any others", "[e2e][batch]") {
  BatchScene scene({.looks = 3}, {{"batch_price_factor", "0.5"}, {"batch_requests_max", "8"}});
  scene.write("prompts.jsonl", sums(20));
  const ProgramEnd submitted = submit(scene, {"--json"});
  CAPTURE(submitted.err);
  CHECK(submitted.code == 0);
  const Json report = json_of(submitted.out);
  CHECK(report["batches"].size() == 3);
  CHECK(report["begun"] == 20);
  CHECK(report["reserved_usd"] > 0);

  // The same again asks nothing, nor does a harvest.
  const ProgramEnd again = submit(scene);
  CHECK(again.code == 0);
  CHECK(has(again.err, "20 under way already"));
  const ProgramEnd harvested = scene.harvest();
  CHECK(harvested.code == 0);
  CHECK(has(harvested.err, "under way in batches: 20"));
  CHECK(scene.provider.asked() == 0);
  CHECK(scene.provider.batches().created() == 3);

  const ProgramEnd status = scene.run({"batch", "status", "--json"});
  CHECK(status.code == 0);
  const Json batches = json_of(status.out);
  REQUIRE(batches.size() == 3);
  CHECK(batches[0]["provider_status"] == "in_progress");
  CHECK(batches[0]["open"] == 8);
  CHECK(batches[0]["expires_at"].is_string());
  CHECK(has(scene.run({"batch", "status", "--offline"}).out, "validating"));
  CHECK(json_of(scene.run({"costs", "--json"}).out)["in_batches"]["asked"] == 20);
  CHECK(json_of(scene.run({"status", "--json"}).out)["in_batches"] == 20);

  const ProgramEnd collected = collect(scene, {"--wait", "--every", "0.05", "--json"});
  CAPTURE(collected.err);
  CHECK(collected.code == 0);
  CHECK(json_of(collected.out)["answered"] == 20);
  check_bought_once(scene, 20);
  CHECK(scene.number("SELECT count(*) FROM \"all\" WHERE licence = 'Apache-2.0' AND outputs_may_train = 'yes'") == 20);
  // Half of one dollar and two a million, by what each answer used.
  CHECK(scene.number("SELECT count(*) FROM response WHERE abs(cost_usd - 0.5e-6 * (input_tokens + 2 * output_tokens)) "
                     "> 2e-12") == 0);
  CHECK(scene.number("SELECT count(*) FROM response WHERE cost_usd > 0 AND provider_finish = 'stop'") == 20);
  CHECK(collect(scene).code == 0);
  CHECK(scene.number("SELECT count(*) FROM response") == 20);
  // Raw bytes can be decoded again, pairs exported and traced.
  CHECK(has(scene.run({"decode", "--dry-run"}).err, "0 responses would change, 20 stay as they are"));
  CHECK(scene.run({"export", "-f", "chat", "-o", "train.jsonl"}).code == 0);
  CHECK(lines_of(scene.read("train.jsonl")).size() == 20);
}

// when:  kill -9 at a step of a batch's life
// then:  the same commands again end with every answer, and nothing was bought twice
TEST_CASE("killed at a step of a batch's life, the same commands go on from there", "[e2e][batch][crash]") {
  struct Kill {
    const char* dialect;
    const char* point;
    bool collecting;
  };
  const auto kill = GENERATE(Kill{"openai", "before upload", false}, Kill{"openai", "after upload", false},
                             Kill{"openai", "before create", false}, Kill{"openai", "after create", false},
                             Kill{"openai", "before look", true}, Kill{"openai", "half results", true},
                             Kill{"openai", "before errors", true}, Kill{"openai", "half errors", true},
                             Kill{"anthropic", "before create", false}, Kill{"anthropic", "after create", false},
                             Kill{"anthropic", "half results", true});
  CAPTURE(kill.dialect, kill.point);
  constexpr int kPrompts = 600;
  // The first time only 500 of them are executed: the others come back as expired, in the error file.
  BatchScene scene({.looks = 1, .end = "expired", .executed_max = 500});
  scene.speak(kill.dialect);
  scene.write("prompts.jsonl", sums(kPrompts));
  if (kill.collecting) REQUIRE(submit(scene).code == 0);

  scene.provider.hold(kill.point);
  const auto program = scene.start(kill.collecting ? words({"batch", "collect"}, {}) : submit_words());
  REQUIRE(eventually([&] { return scene.provider.held() == 1 || !program->running(); }));
  // What came before is taken in by now, or it will be asked for again.
  const auto some_stored = [&] { return scene.number("SELECT count(*) FROM response") > 0; };
  if (std::string(kill.point) == "half results") CHECK(eventually(some_stored));
  program->send(SIGKILL);
  REQUIRE(program->wait().code == -SIGKILL);

  for (int round = 0; round < 2; ++round) {
    const ProgramEnd submitted = submit(scene);
    CAPTURE(submitted.err);
    CHECK((submitted.code == 0 || submitted.code == 3));
    const ProgramEnd collected = collect(scene, {"--wait", "--every", "0.05"});
    CAPTURE(collected.err);
    CHECK(collected.code == 0);
  }
  check_bought_once(scene, kPrompts);
}

TEST_CASE("a corpus takes both ways of asking", "[e2e][batch]") {
  BatchScene scene;
  scene.write("prompts.jsonl", sums(5));
  CHECK(scene.harvest({"--max-tokens", "64"}).code == 0);
  scene.write("prompts.jsonl", sums(12));
  const ProgramEnd submitted = submit(scene, {"--max-requests", "9"});
  CHECK(submitted.code == 5);
  CHECK(has(submitted.err, "4 requests submitted in 1 batch, 5 answered before"));
  CHECK(collect(scene).code == 0);
  CHECK(scene.harvest({"--max-tokens", "64"}).code == 0);
  CHECK(scene.provider.asked() == 5 + 3);
  CHECK(scene.number("SELECT count(*) FROM request WHERE status = 'answered'") == 12);
  CHECK(scene.number("SELECT count(*) FROM response") == 12);
}

TEST_CASE("a cancelled batch gives what it had, and the rest is asked again", "[e2e][batch]") {
  BatchScene scene({.looks = 100, .executed_max = 4});
  scene.write("prompts.jsonl", sums(10));
  CHECK(submit(scene).code == 0);
  CHECK(scene.run({"batch", "cancel"}).code == 2);
  CHECK(scene.run({"batch", "cancel", "99"}).code == 2);
  const ProgramEnd cancelled = scene.run({"batch", "cancel", "1", "--json"});
  CAPTURE(cancelled.err);
  CHECK(cancelled.code == 0);
  CHECK(has(cancelled.err, "batch 1 (batch_1): cancelling"));
  scene.provider.batches().set({.looks = 1});
  const ProgramEnd collected = collect(scene);
  CHECK(collected.code == 0);
  CHECK(has(collected.err, "cancelled: 4 answered, 6 pending again"));
  CHECK(scene.number("SELECT count(*) FROM attempt WHERE error = 'batch_cancelled' AND NOT possibly_billed") == 6);
  CHECK(scene.run({"batch", "cancel", "1"}).code == 2);
  CHECK(submit(scene).code == 0);
  CHECK(collect(scene).code == 0);
  check_bought_once(scene, 10);
}

TEST_CASE("a fleet's batches lie at its first server, whatever becomes of the others", "[e2e][batch][fleet]") {
  BatchScene scene;
  const FakeBatchServer other;
  const auto use = [&](const std::string& first, const std::string& second) {
    scene.speak("openai", {{"base_url", ""}, {"base_urls", "[\"" + first + "/v1\", \"" + second + "/v1\"]"}});
  };
  use(scene.provider.origin(), "http://127.0.0.1:1");
  scene.write("prompts.jsonl", sums(6));
  CHECK(submit(scene).code == 0);
  CHECK(scene.provider.batches().created() == 1);

  use(other.origin(), scene.provider.origin());
  const ProgramEnd elsewhere = collect(scene);
  CHECK(elsewhere.code == 2);
  CHECK(has(elsewhere.err, "was made at " + scene.provider.origin() + "/v1"));
  CHECK(has(elsewhere.err, "set it back, first in base_urls, to collect it"));
  // Nothing of it is asked anew at another server meanwhile.
  CHECK(has(submit(scene).err, "6 under way already"));

  use(scene.provider.origin(), other.origin());
  CHECK(collect(scene).code == 0);
  check_bought_once(scene, 6);
  CHECK(scene.number("SELECT count(*) FROM attempt WHERE endpoint IS NOT NULL") == 0);
  // What a harvest asks of the same corpus says where.
  scene.write("prompts.jsonl", sums(12));
  CHECK(scene.harvest({"--max-tokens", "64"}).code == 0);
  CHECK(scene.number("SELECT count(*) FROM attempt WHERE endpoint IS NOT NULL") == 6);
}

TEST_CASE("images go into batches with their questions", "[e2e][batch]") {
  for (const char* dialect : {"openai", "anthropic"}) {
    CAPTURE(dialect);
    BatchScene scene;
    scene.speak(dialect);
    scene.write("dot.gif", "GIF89a...");
    scene.write("prompts.jsonl", R"({"messages":[{"role":"user","content":[{"type":"text","text":"What is 1 + 1?"},)"
                                 R"({"type":"image","path":"dot.gif"}]}]})"
                                 "\n");
    CHECK(submit(scene).code == 0);
    const std::string asked = scene.provider.batches().asked("What is 1 + 1?").dump();
    CHECK(has(asked, "image/gif"));
    CHECK(has(asked, "R0lGODlhLi4u"));
    CHECK_FALSE(has(asked, "dot.gif"));
  }
}

TEST_CASE("what is wrong is said in one line, with its exit code, and without the key", "[e2e][batch]") {
  BatchScene scene({}, {{"api", "\"ollama\""}});
  scene.write("prompts.jsonl", sums(2));
  const ProgramEnd no_api = submit(scene);
  CHECK(no_api.code == 2);
  CHECK(has(no_api.err, "the dialect ollama has no batch API"));
  CHECK(scene.run({"batch", "status"}).code == 2);  // no corpus

  scene.speak("openai", {{"base_url", "\"" + scene.provider.origin() + "/nowhere\""}, {"api_key_env", "\"FAKE_KEY\""}});
  ProgramSetup setup = scene.setup(submit_words());
  setup.environment["FAKE_KEY"] = "sk-secret-12345";
  const ProgramEnd refused = Program(setup).wait();
  CHECK(refused.code == 4);
  CHECK(has(said(refused).back(), "retort: the provider refuses (http_404)"));
  CHECK_FALSE(has(refused.err + refused.out, "sk-secret"));
  // Nothing is left behind that would keep a harvest from asking.
  CHECK(scene.number("SELECT count(*) FROM request WHERE batch_id IS NOT NULL") == 0);
  CHECK(has(scene.run({"batch", "collect"}).err, "no batch is under way"));
  CHECK(scene.run({"batch", "colect"}).code == 2);
}

}  // namespace retort
