// A network that goes and comes back, a name without an address, a wall clock that jumps.
#include <csignal>
#include <future>

#include "tests/catch.h"
#include "tests/e2e/scene.h"

namespace retort {
namespace {

std::int64_t answered(const Scene& scene) {
  return scene.number("SELECT count(*) FROM request WHERE status = 'answered'");
}

// when:  in the middle of a harvest every connection is cut and nobody listens any more; later the teacher is back
// then:  the same harvest goes on and ends well; nothing is stored twice, and what could not be sent cost no attempt
TEST_CASE("a network that is gone for a while is waited for", "[e2e][network]") {
  Scene scene({.latency = 30ms});
  scene.write("prompts.jsonl", sums(300));
  const auto program = scene.start(scene.harvest_words());
  REQUIRE(eventually([&] { return scene.teacher().requests() >= 60; }));
  scene.teacher().vanish();
  CHECK(eventually([&] { return has(program->err(), "no answers: "); }, 10s));
  CHECK(program->running());
  scene.teacher().come_back();
  const ProgramEnd end = program->wait();

  CAPTURE(end.err);
  CHECK(end.code == 0);
  CHECK(answered(scene) == 300);
  CHECK(scene.number("SELECT count(*) FROM response") == 300);
  CHECK(scene.number("SELECT count(*) FROM request WHERE attempts_charged > 1") <= 8);
  // Those that were cut with the request already sent.
  CHECK(scene.number("SELECT count(*) FROM attempt WHERE error = 'connect' AND possibly_billed") <= 8);
  std::int64_t twice = 0;
  for (const auto& [prompt, book] : scene.teacher().books()) twice += std::max(0, book.delivered - 1);
  CHECK(twice <= 8);
}

#ifdef RETORT_PRELOADS

ProgramSetup preloaded(const Scene& scene, const std::map<std::string, std::string>& more) {
  ProgramSetup setup = scene.setup(scene.harvest_words());
  setup.environment["LD_PRELOAD"] = RETORT_BINARY_DIR "/time_shim.so";
  for (const auto& [name, value] : more) setup.environment[name] = value;
  return setup;
}

struct Unreachable {
  ProgramEnd end;
  std::int64_t untouched = 0, billed = 0, attempts = 0;
  std::string error;
  int after = 0;
};

Unreachable reach(const std::string& base_url) {
  Scene scene;
  scene.configure({{"base_url", "\"" + base_url + "\""}});
  scene.write("prompts.jsonl", sums(3));
  Unreachable seen;
  seen.end = Program(preloaded(scene, {{"TIME_SHIM_SPEED", "20"}})).wait(60s);
  seen.untouched = scene.number("SELECT count(*) FROM request WHERE status = 'pending' AND attempts_charged = 0");
  seen.billed = scene.number("SELECT count(*) FROM attempt WHERE possibly_billed");
  seen.attempts = scene.number("SELECT count(*) FROM attempt");
  if (seen.attempts > 0) seen.error = scene.text("SELECT error FROM attempt");
  scene.configure({});
  seen.after = scene.harvest().code;
  return seen;
}

// when:  nobody listens at the teacher's port, or its name has no address
// then:  patience first, then one clear line; nothing has failed, nothing counts as an attempt; mended, it goes on
TEST_CASE("a teacher that cannot be reached leaves everything pending", "[e2e][network]") {
  auto nobody = std::async(std::launch::async, reach, "http://127.0.0.1:9/v1");
  auto nowhere = std::async(std::launch::async, reach, "https://nonexistent.invalid/v1");
  for (const auto& [seen, error] : {std::pair{nobody.get(), "connect"}, std::pair{nowhere.get(), "resolve"}}) {
    CAPTURE(error, seen.end.err);
    CHECK_FALSE(seen.end.timed_out);
    CHECK(seen.end.code == 4);
    CHECK(has(said(seen.end).back(), "retort: no answer from the teacher"));
    CHECK(has(said(seen.end).back(), "run the same command again"));
    CHECK(seen.untouched == 3);
    CHECK(seen.billed == 0);
    CHECK(seen.attempts < 100);
    CHECK((seen.error == error || seen.attempts == 0));
    CHECK(seen.after == 0);
  }
}

// when:  the name server does not answer for half a minute, ten times as long as connecting may take
// then:  patience first, then one clear line, as for a name without an address; Ctrl-C ends it at once
TEST_CASE("a name server that does not answer holds up neither the end nor Ctrl-C", "[e2e][network]") {
  Scene scene;
  scene.configure({{"base_url", "\"https://slow.invalid/v1\""}, {"connect_timeout_seconds", "3"}});
  scene.write("prompts.jsonl", sums(3));
  ProgramSetup setup = preloaded(scene, {{"RESOLVER_SHIM_SECONDS", "30"}});
  setup.environment["LD_PRELOAD"] += " " RETORT_BINARY_DIR "/resolver_shim.so";
  SECTION("waited for") {
    setup.environment["TIME_SHIM_SPEED"] = "20";
    const ProgramEnd end = Program(setup).wait(20s);
    CAPTURE(end.err);
    CHECK_FALSE(end.timed_out);
    CHECK(end.code == 4);
    CHECK(has(said(end).back(), "retort: no answer from the teacher"));
  }
  SECTION("interrupted") {
    Program program(setup);
    REQUIRE(eventually([&] { return has(program.err(), "no answers: "); }));
    program.send(SIGINT);
    const ProgramEnd end = program.wait(10s);
    CHECK_FALSE(end.timed_out);
    CHECK(end.code == 128 + SIGINT);
  }
  CHECK(scene.number("SELECT count(*) FROM request WHERE status = 'pending' AND attempts_charged = 0") == 3);
  CHECK(scene.number("SELECT count(*) FROM attempt WHERE possibly_billed") == 0);
}

// when:  the wall clock jumps by a day, ahead or back, while requests are paced and a Retry-After runs
// then:  pace and pause do not notice
TEST_CASE("a wall clock that jumps neither hastens nor stops a harvest", "[e2e][network]") {
  const std::string jump = GENERATE("86400", "-86400");
  CAPTURE(jump);
  Scene scene({.scenario = "21: 429, Retry-After 2"}, {{"requests_per_minute", "1200"}});
  scene.write("prompts.jsonl", sums(60));
  scene.write("shift", "0");
  Program program(preloaded(scene, {{"TIME_SHIM_WALL_FILE", scene.path("shift")}}));
  REQUIRE(eventually([&] { return scene.teacher().requests() >= 21; }));
  scene.write("shift", jump);
  const ProgramEnd end = program.wait();

  CHECK(end.code == 0);
  CHECK(answered(scene) == 60);
  const auto log = scene.teacher().log();
  REQUIRE(log.size() == 61);
  Duration pause{};
  for (std::size_t i = 21; i < log.size(); ++i) pause = std::max(pause, log[i].at - log[i - 1].at);
  CHECK(pause >= 1800ms);
  CHECK(pause < 4s);
  const Duration rest = log.back().at - log[log.size() - 21].at;
  CHECK(rest >= 500ms);  // twenty requests at twenty a second, a second's worth of them perhaps at once
  CHECK(rest < 5s);
  // The jump was seen where civil time belongs.
  CHECK(scene.number("SELECT count(DISTINCT substr(ended_at, 1, 10)) FROM attempt WHERE ended_at IS NOT NULL") >= 2);
}

#endif

}  // namespace
}  // namespace retort
