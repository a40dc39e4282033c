// Whatever ends a training, it goes on where a checkpoint was whole, and nobody can tell afterwards.
#include <csignal>
#include <cstdlib>
#include <filesystem>

#include "core/base/hash.h"
#include "core/base/random.h"
#include "tests/catch.h"
#include "tests/e2e/scene.h"

namespace retort {
namespace {

namespace fs = std::filesystem;

bool student_is_there() {
  return std::getenv("RETORT_STUDENT_MODULE") != nullptr || fs::exists(RETORT_BINARY_DIR "/retort-student.so");
}

// A checkpoint after every step, so that a kill often falls into the writing of one; five steps an epoch, packed.
const std::vector<std::string> kTrain = {"train",
                                         "--student",
                                         "new:d=32,layers=1,heads=2",
                                         "--steps",
                                         "40",
                                         "--batch-size",
                                         "8",
                                         "--pack",
                                         "--seed",
                                         "3",
                                         "--vocabulary",
                                         "300",
                                         "--checkpoint-every",
                                         "1",
                                         "--context",
                                         "64",
                                         "--validate-every",
                                         "9",
                                         "--device",
                                         "cpu"};

std::vector<std::string> train_into(const std::string& run) {
  std::vector<std::string> words = kTrain;
  words.insert(words.end(), {"-o", run});
  return words;
}

std::vector<std::string> resume(const std::string& run) { return {"train", "-o", run, "--resume"}; }

/// What was learned in each step, with every digit; times left out.
std::vector<std::string> losses(const Scene& scene, const std::string& run) {
  std::vector<std::string> all;
  for (Json& event : json_lines(scene.read(run + "/metrics.jsonl"))) {
    const std::string kind = json_text(event, "event");
    if (kind != "step" && kind != "validation") continue;
    for (const char* key : {"seconds", "tokens_per_second", "memory_bytes"}) event.erase(key);
    all.push_back(event.dump());
  }
  return all;
}

std::vector<std::string> checkpoints(const Scene& scene, const std::string& run) {
  std::vector<std::string> names;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(scene.path(run + "/checkpoint"), error))
    names.push_back(entry.path().filename().string());
  std::sort(names.begin(), names.end());
  return names;
}

bool reached(const Scene& scene, const std::string& run, std::int64_t step) {
  const std::vector<std::string> names = checkpoints(scene, run);
  return !names.empty() && std::strtoll(names.back().c_str() + 5, nullptr, 10) >= step;
}

}  // namespace

// when:  kill -9 at random instants of a training that writes a checkpoint every step, then Ctrl-C; --resume each time
// then:  losses and weights are to the last bit those of a training that nobody stopped; a torn checkpoint is gone with
//        the next one, and the newest two are kept
TEST_CASE("killed and stopped again and again, a training equals one that was not", "[e2e][train]") {
  if (!student_is_there()) return;
  Scene scene;
  scene.write("prompts.jsonl", sums(40));
  REQUIRE(scene.harvest().code == 0);
  const ProgramEnd straight = scene.run(train_into("straight"));
  INFO(straight.err);
  REQUIRE(straight.code == 0);

  Random random(20261123);
  bool begun = false;
  int kills = 0;
  for (const std::int64_t step : {1, 4, 9, 17, 26}) {
    CAPTURE(step);
    const auto program = scene.start(begun ? resume("broken") : train_into("broken"));
    REQUIRE(eventually([&] { return reached(scene, "broken", step) || !program->running(); }));
    eventually([] { return false; }, random.jitter(std::chrono::milliseconds(30)));
    program->send(SIGKILL);
    kills += program->wait().code == -SIGKILL ? 1 : 0;
    begun = true;
  }
  CHECK(kills >= 4);  // the last may have been too late

  const auto program = scene.start(resume("broken"));
  eventually([&] { return reached(scene, "broken", 33) || !program->running(); });
  program->send(SIGINT);
  const ProgramEnd stopped = program->wait();
  INFO(stopped.err);
  CHECK((stopped.code == 130 || stopped.code == 0));
  if (stopped.code == 130) {
    const ProgramEnd finished = scene.run(resume("broken"));
    INFO(finished.err);
    REQUIRE(finished.code == 0);
  }
  CHECK(losses(scene, "straight").size() >= 40);
  CHECK(losses(scene, "broken") == losses(scene, "straight"));
  CHECK(scene.read("broken/model.safetensors") == scene.read("straight/model.safetensors"));
  CHECK(checkpoints(scene, "broken") == std::vector<std::string>{"step-00000039", "step-00000040"});
}

// The manifest of the student in hand is all that a buyer of it sees.
TEST_CASE("what a student was made of before stays known when it is trained on", "[e2e][train]") {
  if (!student_is_there()) return;
  Scene scene({}, {{"outputs_may_train", "false"}, {"licence", "\"closed\""}});
  scene.write("prompts.jsonl", sums(40));
  REQUIRE(scene.harvest({"--terms-unknown"}).code == 0);
  std::vector<std::string> words = train_into("first");
  words.insert(words.end(), {"--permission", "Ada Byron, letter of 2026-11-01"});
  const ProgramEnd first = scene.run(words);
  INFO(first.err);
  REQUIRE(first.code == 0);
  CHECK_FALSE(json_of(scene.read("first/manifest.json")).contains("base"));

  scene.configure({});
  scene.write("allowed.jsonl", sums(40, 100));
  REQUIRE(scene.run({"harvest", "allowed.jsonl", "-t", "fake", "-q", "-c", "allowed.db"}).code == 0);
  REQUIRE(scene.run({"convert", "first", "-o", "first.gguf"}).code == 0);
  for (const std::string base : {"first", "first.gguf"}) {
    CAPTURE(base);
    const std::string run = "on-" + base;
    const ProgramEnd second =
        scene.run({"train", "-c", "allowed.db", "-o", run, "--student", base, "--lora-rank", "2", "--steps", "2"});
    INFO(second.err);
    REQUIRE(second.code == 0);
    const Json manifest = json_of(scene.read(run + "/manifest.json"));
    const std::string weights = base == "first" ? "first/model.safetensors" : base;
    CHECK(manifest["base"]["sha256"] ==
          Json({{fs::path(weights).filename().string(), sha256_hex(scene.read(weights))}}));
    CHECK(manifest["base"]["manifest"] == json_of(scene.read("first/manifest.json")));
    CHECK(manifest["sources"][0]["outputs_may_train"] == "yes");
    CHECK(manifest["terms"]["strictest"]["outputs_may_train"] == "no");
    CHECK(manifest["terms"]["strictest"]["licences"] == Json({"Apache-2.0", "closed"}));
    // The adapter goes about alone.
    CHECK(scene.read(run + "/adapter/manifest.json") == scene.read(run + "/manifest.json"));
    CHECK(scene.read(run + "/adapter/tokenizer.json") == scene.read(run + "/tokenizer.json"));
    CHECK(fs::exists(scene.path(run + "/adapter/tokenizer_config.json")));
    // What exists is not learned over at the rate of one from scratch.
    const Json settings = json_of(scene.read(run + "/train.json"));
    CHECK(settings["learning_rate"] == 2e-4);
    CHECK(settings["weight_decay"] == 0);
    CHECK(settings["epochs"] == 3);
  }
  REQUIRE(scene.run({"train", "-c", "allowed.db", "-o", "whole", "--student", "first", "--steps", "1"}).code == 0);
  CHECK(json_of(scene.read("whole/train.json"))["learning_rate"] == 2e-5);
}

TEST_CASE("a run that ends before its first checkpoint leaves nothing in the way of the next", "[e2e][train]") {
  if (!student_is_there()) return;
  Scene scene;
  scene.write("prompts.jsonl", sums(20));
  REQUIRE(scene.harvest().code == 0);
  fs::create_directory(scene.path("kept"));
  scene.write("kept/note.txt", "mine");
#ifdef RETORT_PRELOADS  // a sanitizer wants the address space for itself
  for (const std::string run : {"new", "kept"}) {
    CAPTURE(run);
    const ProgramEnd end = scene.run({"train", "-o", run, "--student", "new:d=16384,layers=99,heads=128"});
    CHECK(end.code == 2);
    CHECK(has(said(end).back(), "not enough memory (weights, gradients and moments alone take"));
  }
  const ProgramEnd plan = scene.run({"train", "--dry-run", "--student", "new:d=16384,layers=99,heads=128"});
  CHECK(plan.code == 2);
  CHECK(has(plan.err, "alone take"));
#endif
  CHECK_FALSE(fs::exists(scene.path("new")));
  CHECK(scene.read("kept/note.txt") == "mine");
  CHECK(std::distance(fs::directory_iterator(scene.path("kept")), {}) == 1);
  CHECK(scene.run({"train", "-o", "kept", "--student", "new:d=32,layers=1,heads=2", "--steps", "1"}).code == 0);
}

TEST_CASE("a prompt that is too long for the student is named, and the others are answered", "[e2e][train]") {
  if (!student_is_there()) return;
  Scene scene;
  scene.write("prompts.jsonl", sums(20));
  REQUIRE(scene.harvest().code == 0);
  std::vector<std::string> words = {"train",   "-o", "run", "--student", "new:d=32,layers=1,heads=2,context=64",
                                    "--steps", "1"};
  const ProgramEnd trained = scene.run(words);
  INFO(trained.err);
  REQUIRE(trained.code == 0);
  scene.write("three.jsonl", dump_json({{"prompt", "a"}, {"reference", "b"}}) + "\n" +
                                 dump_json({{"prompt", std::string(900, 'x')}, {"reference", "b"}}) + "\n" +
                                 dump_json({{"prompt", "c"}, {"reference", "b"}}) + "\n");
  const ProgramEnd generated = scene.run({"generate", "run", "three.jsonl", "--max-tokens", "4"});
  CHECK(generated.code == 3);
  CHECK(json_lines(generated.out).size() == 2);
  CHECK(has(generated.err, "three.jsonl:2: the prompt fills the student's context"));
  const ProgramEnd graded = scene.run({"eval", "run", "--prompts", "three.jsonl", "--max-tokens", "4", "--json"});
  CHECK(graded.code == 0);
  CHECK(json_of(graded.out)["all"] == 3);
  CHECK(has(graded.err, "three.jsonl:2: the prompt fills the student's context"));
}

TEST_CASE("two processes do not train into one folder", "[e2e][train]") {
  if (!student_is_there()) return;
  Scene scene;
  scene.write("prompts.jsonl", sums(20));
  REQUIRE(scene.harvest().code == 0);
  auto running = scene.start({"train", "-o", "run", "--student", "new:d=32,layers=1,heads=2", "--steps", "1000000",
                              "--checkpoint-every", "5"});
  REQUIRE(eventually([&] { return reached(scene, "run", 5); }));
  const ProgramEnd second = scene.run(resume("run"));
  CHECK(second.code == 2);
  CHECK(has(second.err, "another process is training into run"));
  running->send(SIGINT);
  CHECK(running->wait().code == 130);
}

TEST_CASE("settings of a training that change nothing, or cannot be, are refused by name", "[e2e][train]") {
  if (!student_is_there()) return;
  Scene scene;
  scene.write("prompts.jsonl", sums(20));
  REQUIRE(scene.harvest().code == 0);
  struct Wrong {
    std::vector<std::string> words;
    const char* part;
  };
  for (const Wrong& wrong : {Wrong{{"--lora-alpha", "8"}, "--lora-alpha does nothing without --lora-rank"},
                             Wrong{{"--rslora"}, "--rslora does nothing without --lora-rank"},
                             Wrong{{"--decay-part", "0.5"}, "--decay-part does nothing without --schedule wsd"},
                             Wrong{{"--accumulate", "40"}, "--accumulate is 40; it must be 1 to 16"},
                             Wrong{{"--learning-rate", "11"}, "--learning-rate is 11; it must be 1e-30 to 10"}}) {
    CAPTURE(wrong.part);
    std::vector<std::string> words = {"train", "-o", "run"};
    words.insert(words.end(), wrong.words.begin(), wrong.words.end());
    const ProgramEnd end = scene.run(words);
    CHECK(end.code == 2);
    CHECK(has(said(end).back(), wrong.part));
    CHECK_FALSE(fs::exists(scene.path("run")));
  }
}

}  // namespace retort
