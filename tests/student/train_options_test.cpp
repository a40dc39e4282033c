// What a run does beside learning: it ends early, keeps the best, tells its plan, cuts rows, writes for TensorBoard.
#include <algorithm>

#include "core/student/checkpoint.h"
#include "core/student/event_file.h"
#include "core/student/run_folder.h"
#include "tests/student/small_training.h"

using namespace retort;

TEST_CASE("early stopping, and the best weights, also after a stop") {
  TemporaryFolder folder;
  Json settings = quick(400);
  settings["learning_rate"] = 0.02;  // learns by heart: what is held back gets worse
  settings["validation_fraction"] = 0.3;
  settings["validate_every"] = 5;
  settings["patience"] = 3;
  settings["keep_best"] = true;
  Host host;
  const std::string straight = folder.path + "/straight", broken = folder.path + "/broken";
  REQUIRE(train(host, straight, settings).status == RETORT_STATUS_OK);
  const Json end = host.events.back();
  INFO(end.dump());
  REQUIRE(json_text(end, "event") == "end");
  CHECK(end["stopped_early"] == true);
  const std::int64_t last = *json_count(end, "step"), best = *json_count(end, "best_step");
  CHECK(last < 400);
  CHECK(last == best + 15);
  double lowest = 1e9;
  std::int64_t lowest_at = 0;
  for (const Json& event : host.events) {
    if (json_text(event, "event") != "validation" || event["validation_loss"] >= lowest) continue;
    lowest = event["validation_loss"];
    lowest_at = *json_count(event, "step");
  }
  CHECK(lowest_at == best);

  // The weights are those of the best step: a run of just so many steps at the same rates ends with them.
  Json plain = settings;
  plain["patience"] = 0;
  plain["keep_best"] = false;
  plain["checkpoint_every"] = best;
  Host until_best;
  until_best.stop_at_step = best;
  REQUIRE(train(until_best, folder.path + "/plain", plain).status == RETORT_STATUS_INTERRUPTED);
  const auto loaded = load_run(straight, at::kCPU);
  const auto checkpoint = load_checkpoint(folder.path + "/plain/checkpoint");
  REQUIRE_OK(loaded);
  REQUIRE_OK(checkpoint);
  CHECK(checkpoint->step == best);
  const at::Tensor kept = loaded->model->parameters();
  REQUIRE(kept.numel() == static_cast<std::int64_t>(checkpoint->parameters.size()));
  CHECK(std::equal(checkpoint->parameters.begin(), checkpoint->parameters.end(), kept.data_ptr<float>()));

  Host stopping;
  stopping.stop_at_step = best + 7;
  REQUIRE(train(stopping, broken, settings).status == RETORT_STATUS_INTERRUPTED);
  Host going_on;
  REQUIRE(train(going_on, broken, {{"resume", true}}).status == RETORT_STATUS_OK);
  CHECK(losses(broken) == losses(straight));
  CHECK(weights(broken) == weights(straight));
  settings["validation_fraction"] = 0;
  CHECK(train(host, folder.path + "/none", settings).status == RETORT_STATUS_USAGE);
}

TEST_CASE("a plan tells what a run will be, and writes nothing") {
  TemporaryFolder folder;
  Json settings = quick(40);
  settings["dry_run"] = true;
  Host planned, real;
  REQUIRE(train(planned, folder.path + "/planned", settings).status == RETORT_STATUS_OK);
  CHECK(std::filesystem::is_empty(folder.path));
  REQUIRE(planned.events.size() == 1);
  const Json& plan = planned.events[0];
  INFO(plan.dump());
  REQUIRE(train(real, folder.path + "/real", quick(40)).status == RETORT_STATUS_OK);
  for (const char* key : {"steps", "pairs", "validation_pairs", "tokens", "learned_tokens", "parameters", "vocabulary"})
    CHECK(plan[key] == real.events.front()[key]);
  CHECK(plan["tokens_per_second"] > 0);
  CHECK(plan["seconds"] > 0);
  CHECK(plan["memory_bytes"] > plan["state_bytes"]);
  REQUIRE(plan["rows"].size() == 3);
  CHECK(plan["rows"][0]["given"] == "<|user|>What is 0 + 1?<|end|><|assistant|>");
  CHECK(plan["rows"][0]["learned"] == "<think>0+1</think>1<|end|>");
}

TEST_CASE("a row that is too long is cut only if asked") {
  TemporaryFolder folder;
  Host host;
  host.pairs.push_back({"long?", "", std::string(5000, '1')});
  host.pairs.push_back({std::string(5000, '1'), "", "no room for an answer"});
  Json settings = quick(1);
  settings["validation_fraction"] = 0;
  settings["context"] = 60;
  settings["truncate"] = true;
  REQUIRE(train(host, folder.path + "/run", settings).status == RETORT_STATUS_OK);
  CHECK(host.events.front()["truncated"] == 1);
  CHECK(host.events.front()["pairs"] == 65);
  CHECK(host.events.front()["dropped"].size() == 1);
}

TEST_CASE("a run writes what TensorBoard reads, once for each step, however often it was stopped") {
  TemporaryFolder folder;
  Host host;
  host.stop_at_step = 9;
  REQUIRE(train(host, folder.path + "/run", quick(20)).status == RETORT_STATUS_INTERRUPTED);
  const std::string path = folder.path + "/run/events.out.tfevents.0.retort";
  std::ofstream(path, std::ios::app) << event_record(1, 15, std::vector<Scalar>{{"train/loss", 9}}) << "torn";
  Host going_on;
  REQUIRE(train(going_on, folder.path + "/run", {{"resume", true}}).status == RETORT_STATUS_OK);
  const auto file = read_file(path);
  REQUIRE_OK(file);
  CHECK(events_until(*file, 1000) == *file);  // whole, every checksum right
  std::size_t steps = 0;
  for (std::int64_t step = 1; step <= 20; ++step)
    steps += events_until(*file, step).size() > events_until(*file, step - 1).size() ? 1U : 0U;
  CHECK(steps == 20);
  const auto count = [&](const std::string& tag) {
    std::size_t found = 0;
    for (std::size_t at = file->find(tag); at != std::string::npos; at = file->find(tag, at + 1)) ++found;
    return found;
  };
  CHECK(count("train/loss") == 20);
  CHECK(count("validation/loss") == 3);
}

TEST_CASE("event files are TFRecords with the checksums that TensorFlow asks for") {
  CHECK(crc32c("123456789") == 0xe3069283);  // the check value of CRC-32C
  const std::string start = event_file_start(1.5), record = event_record(2, 300, std::vector<Scalar>{{"a", 0.5}});
  // Event{wall_time = 2, step = 300, summary{value{tag "a", simple_value 0.5}}}
  const std::string body = std::string("\x09\0\0\0\0\0\0\0\x40\x10\xac\x02\x2a\x0a\x0a\x08\x0a\x01", 18) + "a" +
                           std::string("\x15\0\0\0\x3f", 5);
  REQUIRE(record.size() == 12 + body.size() + 4);
  CHECK(record.substr(12, body.size()) == body);
  CHECK(events_until(start + record, 300) == start + record);
  CHECK(events_until(start + record, 299) == start);
  std::string broken = start + record;
  broken[start.size() + 20] ^= 1;
  CHECK(events_until(broken, 300) == start);
  CHECK(events_until("", 1).empty());
}
