// The module through its C border: train, stop, go on, refuse.
#include "core/student/generate.h"
#include "tests/student/small_training.h"

using namespace retort;

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
  changed.pairs[5].answer = std::string("9");  // GCC 12 warns wrongly of the plain text
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
