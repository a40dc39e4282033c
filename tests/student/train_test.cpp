// The module through its C border, as retort uses it: train, stop, go on, answer.
#include <algorithm>
#include <fstream>
#include <sstream>
#include <vector>

#include "core/base/files.h"
#include "core/base/json.h"
#include "core/student/checkpoint.h"
#include "core/student/event_file.h"
#include "core/student/generate.h"
#include "tests/student/support.h"

using namespace retort;

extern "C" const retort_student* retort_student_entry(uint32_t host_abi);

namespace {

struct TestPair {
  std::string question, reasoning, answer;
};

// One-digit sums: enough to be learned by heart in a second.
std::vector<TestPair> sums() {
  std::vector<TestPair> pairs;
  for (int a = 0; a < 8; ++a) {
    for (int b = 0; b < 8; ++b) {
      const std::string x = std::to_string(a), y = std::to_string(b);
      pairs.push_back({"What is " + x + " + " + y + "?", x + "+" + y, std::to_string(a + b)});
    }
  }
  return pairs;
}

struct Host {
  std::vector<TestPair> pairs = sums();
  std::vector<Json> events;
  std::int64_t stop_at_step = -1;
  bool fails = false;

  std::int64_t steps() const { return events.empty() ? 0 : json_count(events.back(), "step").value_or(0); }

  retort_host callbacks() { return {this, read, emit, stop}; }
  static int read(void* context, retort_take_pair take, void* sink) {
    auto& self = *static_cast<Host*>(context);
    if (self.fails) return 1;
    std::int64_t id = 0;
    for (const TestPair& pair : self.pairs) {
      const std::string messages = Json::array({{{"role", "user"}, {"content", pair.question}}}).dump();
      const auto text = [](const std::string& s) { return retort_text{s.data(), s.size()}; };
      const retort_pair raw{++id, text(messages), text(pair.reasoning), text(pair.answer)};
      if (take(sink, &raw) != 0) return 0;
    }
    return 0;
  }
  static void emit(void* context, retort_text line) {
    static_cast<Host*>(context)->events.push_back(*parse_json({line.data, line.size}));
  }
  static int stop(void* context) {
    auto& self = *static_cast<Host*>(context);
    return self.stop_at_step >= 0 && self.steps() >= self.stop_at_step ? 1 : 0;
  }
};

struct Outcome {
  retort_status status;
  std::string message;
};

Outcome train(Host& host, const std::string& run, Json settings) {
  settings["run"] = run;
  settings["device"] = "cpu";
  const std::string text = settings.dump();
  retort_failure failure{};
  const retort_host callbacks = host.callbacks();
  const auto status = retort_student_entry(RETORT_STUDENT_ABI)->train({text.data(), text.size()}, &callbacks, &failure);
  return {status, failure.message};
}

Json quick(std::int64_t steps) {
  return {{"student", "new:d=32,layers=2,heads=2"},
          {"steps", steps},
          {"batch_rows", 8},
          {"learning_rate", 5e-3},
          {"vocabulary", 300},
          {"validation_fraction", 0.1},
          {"checkpoint_every", 1000},
          {"validate_every", 7}};
}

// Losses, as they were written, with every digit; times left out.
std::vector<std::string> losses(const std::string& run) {
  std::vector<std::string> all;
  std::ifstream in(run + "/metrics.jsonl");
  for (std::string line; std::getline(in, line);) {
    Json event = *parse_json(line);
    const std::string kind = json_text(event, "event");
    if (kind != "step" && kind != "validation") continue;
    for (const char* key : {"seconds", "tokens_per_second"}) event.erase(key);
    all.push_back(event.dump());
  }
  return all;
}

std::string weights(const std::string& run) { return *read_file(run + "/model.safetensors"); }

}  // namespace

TEST_CASE("a student learns, and an untaught one does not know") {
  TemporaryFolder folder;
  Host host;
  const std::string run = folder.path + "/run", untaught = folder.path + "/untaught";
  const Outcome trained = train(host, run, quick(250));
  INFO(trained.message);
  REQUIRE(trained.status == RETORT_STATUS_OK);
  double first = 0, last = 0;
  for (const Json& event : host.events) {
    if (json_text(event, "event") != "step") continue;
    if (json_count(event, "step") == 1) first = event["loss"];
    last = event["loss"];
  }
  CHECK(first > 4);  // about log of the vocabulary
  CHECK(last < 0.3);
  Host other;
  REQUIRE(train(other, untaught, quick(0)).status == RETORT_STATUS_OK);

  const auto right = [](const std::string& path) {
    const auto loaded = load_run(path, at::kCPU);
    REQUIRE_OK(loaded);
    std::vector<Json> prompts;
    for (const TestPair& pair : sums())
      prompts.push_back(Json::array({{{"role", "user"}, {"content", pair.question}}}));
    const auto answers = generate(*loaded, prompts, {.tokens_max = 16}, [] { return false; });
    REQUIRE_OK(answers);
    std::size_t count = 0;
    for (std::size_t i = 0; i < prompts.size(); ++i)
      count += (*answers)[i].completion.text == sums()[i].answer ? 1U : 0U;
    return count;
  };
  CHECK(right(run) >= 50);
  CHECK(right(untaught) <= 5);
}

TEST_CASE("a run that was stopped and resumed equals one that was not, bit for bit") {
  TemporaryFolder folder;
  const std::string straight = folder.path + "/straight", broken = folder.path + "/broken";
  Host host;
  REQUIRE(train(host, straight, quick(40)).status == RETORT_STATUS_OK);
  for (const std::int64_t stop : {9, 23}) {
    Host stopping;
    stopping.stop_at_step = stop;
    const Outcome outcome = train(stopping, broken, stop == 9 ? quick(40) : Json{{"resume", true}});
    INFO(outcome.message);
    REQUIRE(outcome.status == RETORT_STATUS_INTERRUPTED);
    CHECK(stopping.steps() == stop);
    CHECK_FALSE(std::filesystem::exists(broken + "/model.safetensors"));
  }
  // What a crash after the checkpoint would have left: it must be forgotten.
  std::ofstream(broken + "/metrics.jsonl", std::ios::app) << R"({"event":"step","step":24,"loss":99})"
                                                          << "\n{\"torn";
  Host going_on;
  const Outcome outcome = train(going_on, broken, {{"resume", true}});
  INFO(outcome.message);
  REQUIRE(outcome.status == RETORT_STATUS_OK);
  CHECK(losses(straight).size() == 40 + 6);
  CHECK(losses(straight) == losses(broken));
  CHECK(weights(straight) == weights(broken));

  Host other_seed;
  Json settings = quick(40);
  settings["seed"] = 1;
  REQUIRE(train(other_seed, folder.path + "/other", settings).status == RETORT_STATUS_OK);
  CHECK(losses(straight) != losses(folder.path + "/other"));
}

TEST_CASE("a run is resumed with its own pairs or not at all") {
  TemporaryFolder folder;
  const std::string run = folder.path + "/run";
  Host host;
  host.stop_at_step = 3;
  REQUIRE(train(host, run, quick(10)).status == RETORT_STATUS_INTERRUPTED);
  Host changed;
  changed.pairs[5].answer = "9";
  CHECK(train(changed, run, {{"resume", true}}).status == RETORT_STATUS_USAGE);
  Host again;
  const Outcome refused = train(again, run, quick(10));
  CHECK(refused.status == RETORT_STATUS_USAGE);
  CHECK(refused.message.find("--resume") != std::string::npos);
  CHECK(train(again, folder.path + "/nothing", {{"resume", true}}).status == RETORT_STATUS_USAGE);
  for (const auto& entry : std::filesystem::directory_iterator(run + "/checkpoint")) {
    std::filesystem::resize_file(entry.path() / "tensors.safetensors", 1000);
  }
  const Outcome torn = train(again, run, {{"resume", true}});
  CHECK(torn.status == RETORT_STATUS_USAGE);
  CHECK(torn.message.find("damaged") != std::string::npos);
}

TEST_CASE("what cannot be learned is dropped and counted") {
  TemporaryFolder folder;
  Host host;
  host.pairs.push_back({"empty?", "", " \n"});
  host.pairs.push_back({"long?", std::string(5000, '1'), "1"});
  Json settings = quick(1);
  settings["validation_fraction"] = 0;
  settings["student"] = "new:d=32,layers=1,heads=2,context=40";
  REQUIRE(train(host, folder.path + "/run", settings).status == RETORT_STATUS_OK);
  const Json& dropped = host.events.front()["dropped"];
  INFO(dropped.dump());
  CHECK(dropped.size() == 2);
  CHECK(host.events.front()["pairs"] == 64);
  Host nothing;
  nothing.pairs = {{"empty?", "", ""}};
  const Outcome outcome = train(nothing, folder.path + "/nothing", settings);
  CHECK(outcome.status == RETORT_STATUS_USAGE);
  CHECK(outcome.message.find("1 dropped") != std::string::npos);
}

TEST_CASE("the border tells apart whose fault it was") {
  TemporaryFolder folder;
  Host host;
  CHECK(retort_student_entry(RETORT_STUDENT_ABI + 1) == nullptr);
  host.fails = true;
  CHECK(train(host, folder.path + "/a", quick(1)).status == RETORT_STATUS_HOST);
  host.fails = false;
  CHECK(train(host, "/proc/none/b", quick(1)).status == RETORT_STATUS_DISK);
  CHECK(train(host, folder.path + "/c", {{"learning_rate", -1}}).status == RETORT_STATUS_USAGE);
  CHECK(train(host, folder.path + "/d", {{"no_such_setting", 1}}).status == RETORT_STATUS_USAGE);
  CHECK(train(host, folder.path + "/e", {{"student", "new:enormous"}}).status == RETORT_STATUS_USAGE);
  retort_session* session = nullptr;
  retort_failure failure{};
  const std::string settings = Json({{"run", folder.path}}).dump();
  CHECK(retort_student_entry(RETORT_STUDENT_ABI)->open({settings.data(), settings.size()}, &session, &failure) ==
        RETORT_STATUS_USAGE);
  CHECK(std::string(failure.message).find("no trained run") != std::string::npos);
}

TEST_CASE("many prompts at once are answered as each alone, and draws repeat") {
  TemporaryFolder folder;
  Host host;
  REQUIRE(train(host, folder.path + "/run", quick(60)).status == RETORT_STATUS_OK);
  const auto run = load_run(folder.path + "/run", at::kCPU);
  REQUIRE_OK(run);
  std::vector<Json> prompts;
  for (int i = 0; i < 20; ++i) {
    prompts.push_back(Json::array({{{"role", "user"},
                                    {"content", "What is " + std::string(static_cast<std::size_t>(i % 5), ' ') +
                                                    std::to_string(i * 37) + " + 1?"}}}));
  }
  const auto never = [] { return false; };
  const auto same = [](const std::vector<Generated>& a, const std::vector<Generated>& b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const Generated& x, const Generated& y) {
      return x.completion.text == y.completion.text && x.completion.reasoning == y.completion.reasoning &&
             x.ended == y.ended && x.tokens == y.tokens;
    });
  };
  const GenerateSettings together{.tokens_max = 24};
  const auto all = generate(*run, prompts, together, never);
  REQUIRE_OK(all);
  for (const std::int64_t rows : {1, 3}) {
    GenerateSettings few = together;
    few.batch_rows = rows;
    CHECK(same(*all, *generate(*run, prompts, few, never)));
  }
  GenerateSettings drawn{.tokens_max = 24, .temperature = 1.5, .top_p = 0.9, .seed = 4};
  const auto first = generate(*run, prompts, drawn, never);
  drawn.batch_rows = 4;
  CHECK(same(*first, *generate(*run, prompts, drawn, never)));
  CHECK_FALSE(same(*first, *all));
  drawn.seed = 5;
  CHECK_FALSE(same(*first, *generate(*run, prompts, drawn, never)));
  GenerateSettings nearly_greedy{.tokens_max = 24, .temperature = 1, .top_p = 1e-9};
  CHECK(same(*all, *generate(*run, prompts, nearly_greedy, never)));
  for (const Generated& one : *all) CHECK(one.tokens <= 24);
  CHECK(generate(*run, prompts, together, [] { return true; }).error().code == Errc::interrupted);
  const Json endless = Json::array({{{"role", "user"}, {"content", std::string(5000, '1')}}});
  CHECK(generate(*run, {endless}, together, never).error().code == Errc::usage);
  CHECK(generate(*run, {Json::array()}, together, never).error().code == Errc::usage);
}

TEST_CASE("a run folder that does not fit together is refused") {
  TemporaryFolder folder;
  Host host;
  const std::string run = folder.path + "/run";
  REQUIRE(train(host, run, quick(0)).status == RETORT_STATUS_OK);
  REQUIRE_OK(load_run(run, at::kCPU));
  const auto spoiled = [&](const std::string& name, const std::string& bytes) {
    const std::string kept = *read_file(run + name);
    REQUIRE_OK(replace_file(run + name, bytes));
    const bool refused = !load_run(run, at::kCPU).has_value();
    REQUIRE_OK(replace_file(run + name, kept));
    return refused;
  };
  CHECK(spoiled("/config.json", "{}"));
  CHECK(spoiled("/tokenizer.json", "{}"));
  CHECK(spoiled("/model.safetensors", ""));
  Json config = *parse_json(*read_file(run + "/config.json"));
  config["num_hidden_layers"] = 1;
  CHECK(spoiled("/config.json", config.dump()));
  config["num_hidden_layers"] = 3;
  CHECK(spoiled("/config.json", config.dump()));
  config["num_hidden_layers"] = 2;
  config["vocab_size"] = 10;
  CHECK(spoiled("/config.json", config.dump()));
}

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
