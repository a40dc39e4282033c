// Whatever ends a training, it goes on where a checkpoint was whole, and nobody can tell afterwards.
#include <csignal>
#include <cstdlib>
#include <filesystem>

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
    for (const char* key : {"seconds", "tokens_per_second"}) event.erase(key);
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

}  // namespace retort
