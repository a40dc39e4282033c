// The commands around the harvest: help, the served teacher, the list of teachers, and prompts made to order.
#include <csignal>
#include <set>

#include "tests/catch.h"
#include "tests/e2e/scene.h"

namespace retort {
namespace {

TEST_CASE("the version and every help text are there, with an example each", "[e2e][commands]") {
  Scene scene;
  const ProgramEnd version = scene.run({"--version"});
  CHECK(version.code == 0);
  CHECK(version.out.starts_with("retort "));
  CHECK(version.err == "");
  const ProgramEnd help = scene.run({"--help"});
  CHECK(help.code == 0);
  CHECK(has(help.out, "Exit status:"));

  const std::vector<std::vector<std::string>> commands = {{"harvest"},
                                                          {"status"},
                                                          {"show"},
                                                          {"export"},
                                                          {"train"},
                                                          {"generate"},
                                                          {"eval"},
                                                          {"teacher"},
                                                          {"prompts"},
                                                          {"demo"},
                                                          {"teacher", "list"},
                                                          {"teacher", "test"},
                                                          {"prompts", "arithmetic"},
                                                          {"serve"}};
  for (std::vector<std::string> words : commands) {
    CAPTURE(words);
    CHECK(has(help.out, words[0]));
    words.emplace_back("--help");
    const ProgramEnd end = scene.run(words);
    CHECK(end.code == 0);
    CHECK(end.err == "");
    CHECK(has(end.out, "Example:\n  retort " + words[0]));
  }
}

/// `retort serve --builtin arithmetic` on a free port.
struct Served {
  explicit Served(const ProgramSetup& setup) : program(setup) {
    constexpr const char* kBefore = "base_url = \"";
    if (!eventually([&] { return has(program.err(), "outputs_may_train"); }))
      throw std::runtime_error("it does not serve: " + program.err());
    const std::string text = program.err();
    const std::size_t begin = text.find(kBefore) + std::string(kBefore).size();
    base_url = text.substr(begin, text.find('"', begin) - begin);
  }
  std::string port() const { return base_url.substr(17, base_url.find("/v1") - 17); }

  Program program;
  std::string base_url;
};

TEST_CASE("the embedded teacher serves a harvest, and ends with Ctrl-C", "[e2e][commands]") {
  Scene scene;
  ProgramSetup setup = scene.setup({"serve", "--builtin", "arithmetic", "--port", "0", "--api-key-env", "SERVE_KEY"});
  setup.environment["SERVE_KEY"] = "k-1";
  Served served(setup);
  scene.configure({{"base_url", "\"" + served.base_url + "\""}, {"api_key_env", "\"SERVE_KEY\""}});
  scene.write("prompts.jsonl", sums(50));
  ProgramSetup harvest = scene.setup(scene.harvest_words());

  harvest.environment["SERVE_KEY"] = "another";
  CHECK(Program(harvest).wait().code == 4);
  harvest.environment["SERVE_KEY"] = "k-1";
  CHECK(Program(harvest).wait().code == 0);
  CHECK(scene.number("SELECT count(*) FROM response WHERE cast(text AS INTEGER) > 0") == 50);

  SECTION("its port is taken") {
    const ProgramEnd second = scene.run({"serve", "--builtin", "arithmetic", "--port", served.port()});
    CHECK(second.code == 2);
    REQUIRE(said(second).size() == 1);
    CHECK(has(said(second)[0], "retort: cannot listen on 127.0.0.1 port " + served.port()));
  }
  served.program.send(SIGINT);
  const ProgramEnd end = served.program.wait(10s);
  CHECK(end.code == 130);
  CHECK(has(end.err, "50 answered"));
  CHECK_FALSE(has(end.err, "k-1"));
}

TEST_CASE("a served teacher with limits is harvested within them", "[e2e][commands]") {
  Scene scene;
  Served served(scene.setup({"serve", "--builtin", "arithmetic", "--port", "0", "--requests-per-minute", "1200"}));
  scene.configure({{"base_url", "\"" + served.base_url + "\""}});
  scene.write("prompts.jsonl", sums(60));
  CHECK(scene.harvest({"--attempts", "1"}).code == 0);
  CHECK(scene.number("SELECT count(*) FROM response") == 60);
}

TEST_CASE("the same seed makes the same prompts", "[e2e][commands]") {
  Scene scene;
  const auto made = [&scene](std::vector<std::string> more) {
    more.insert(more.begin(), {"prompts", "arithmetic", "--count", "200"});
    const ProgramEnd end = scene.run(std::move(more));
    CHECK(end.code == 0);
    return end.out;
  };
  const std::string first = made({"--seed", "7"});
  CHECK(json_lines(first).size() == 200);
  CHECK(made({"--seed", "7"}) == first);
  CHECK(made({"--seed", "8"}) != first);
  CHECK(made({"--seed", "7", "--split", "held-out"}) != first);
  for (Json row : json_lines(made({"--family", "sum"}))) CHECK(row["family"] == "sum");
  CHECK(made({"--seed", "7", "-o", "file.jsonl"}) == "");
  CHECK(scene.read("file.jsonl") == first);

  REQUIRE(scene.run({"harvest", "file.jsonl", "-t", "fake", "-q"}).code == 0);
  CHECK(scene.number("SELECT count(*) FROM response JOIN request ON request.id = request_id JOIN source_row "
                     "USING (prompt_id) WHERE response.text = source_row.reference") == 200);
}

TEST_CASE("the configured teachers are listed, and asked once on demand", "[e2e][commands]") {
  Scene scene;
  const ProgramEnd list = scene.run({"teacher", "list"});
  CHECK(list.code == 0);
  CHECK(has(list.out, "fake: arithmetic at " + scene.teacher().base_url()));
  CHECK(has(list.out, "may be used for training"));
  Json listed = json_of(scene.run({"teacher", "list", "--json"}).out);
  CHECK(listed[0]["name"] == "fake");
  CHECK(scene.teacher().requests() == 0);

  const ProgramEnd test = scene.run({"teacher", "test", "fake", "--prompt", "20 + 22"});
  CHECK(test.code == 0);
  CHECK(has(test.out, "status: 200"));
  CHECK(has(test.out, "answer: 42"));
  CHECK(scene.teacher().requests() == 1);
  Json json = json_of(scene.run({"teacher", "test", "fake", "--prompt", "20 + 22", "--json"}).out);
  CHECK(json["body"]["choices"][0]["message"]["content"] == "42");
}

struct Trouble {
  const char* fault;
  int code;
  const char* part;
};

TEST_CASE("a test of a teacher says what went wrong", "[e2e][commands]") {
  const auto trouble =
      GENERATE(Trouble{"401", 4, "http_401"}, Trouble{"insufficient_quota", 5, "quota"}, Trouble{"500", 4, "http_500"},
               Trouble{"429, Retry-After 7", 4, "http_429"}, Trouble{"close", 4, "no answer from http://127.0.0.1"},
               Trouble{"200_html", 4, "not_json"});
  CAPTURE(trouble.fault);
  Scene scene({.scenario = std::string("then: ") + trouble.fault});
  const ProgramEnd end = scene.run({"teacher", "test", "fake"});
  CHECK(end.code == trouble.code);
  CHECK(said(end).back().starts_with("retort: "));
  CHECK(has(said(end).back(), trouble.part));
  CHECK(scene.teacher().requests() == 1);
  if (has(trouble.fault, "429")) CHECK(has(end.out, "limit announced: retry-after: 7"));
}

}  // namespace
}  // namespace retort
