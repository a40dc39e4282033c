// What befalls the process itself: a terminal that goes away, a closed pipe, a suspended machine, few descriptors.
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>

#include "tests/catch.h"
#include "tests/e2e/scene.h"

namespace retort {
namespace {

std::int64_t answered(const Scene& scene) {
  return scene.number("SELECT count(*) FROM request WHERE status = 'answered'");
}

/// The most requests that arrived within any span of that length.
int most_within(const std::vector<FakeTeacherEntry>& log, Duration span) {
  int most = 0;
  for (std::size_t first = 0, last = 0; last < log.size(); ++last) {
    while (log[last].at - log[first].at > span) ++first;
    most = std::max(most, static_cast<int>(last - first) + 1);
  }
  return most;
}

// when:  the terminal is closed (SIGHUP) in the middle of a harvest
// then:  what is on the wire is awaited and kept, nothing new is sent, and the same command goes on
TEST_CASE("a terminal that goes away costs no stored answer", "[e2e][signal]") {
  Scene scene({.latency = 50ms});
  scene.write("prompts.jsonl", sums(200));
  const auto program = scene.start(scene.harvest_words());
  REQUIRE(eventually([&] { return scene.teacher().delivered() >= 20; }));
  program->send(SIGHUP);
  const ProgramEnd end = program->wait(10s);
  CHECK_FALSE(end.timed_out);
  CHECK(end.code == 128 + SIGHUP);

  CHECK(scene.harvest().code == 0);
  CHECK(answered(scene) == 200);
  std::int64_t twice = 0;
  for (const auto& [prompt, book] : scene.teacher().books()) twice += std::max(0, book.delivered - 1);
  CHECK(twice == 0);
}

// when:  the terminal is closed, and the harvest was started with nohup
// then:  it goes on to its end
TEST_CASE("under nohup a harvest outlives its terminal", "[e2e][signal]") {
  Scene scene({.latency = 20ms});
  scene.write("prompts.jsonl", sums(100));
  const auto before = std::signal(SIGHUP, SIG_IGN);  // as nohup starts what it starts
  const auto program = scene.start(scene.harvest_words());
  std::signal(SIGHUP, before);
  REQUIRE(eventually([&] { return scene.teacher().delivered() >= 10; }));
  program->send(SIGHUP);
  CHECK(program->wait().code == 0);
  CHECK(answered(scene) == 100);
}

// when:  whoever reads standard output is gone before the summary comes
// then:  every answer is stored; the process ends as shells expect of a closed pipe, and without spinning
TEST_CASE("a reader that went away costs no answer", "[e2e][signal]") {
  Scene scene({.latency = 20ms});
  scene.write("prompts.jsonl", sums(60));
  int pipe_ends[2];
  REQUIRE(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pipe_ends) == 0);
  ProgramSetup setup = scene.setup(scene.harvest_words({"--json"}));
  setup.output_descriptor = pipe_ends[1];
  Program program(setup);
  close(pipe_ends[0]);
  close(pipe_ends[1]);
  const ProgramEnd end = program.wait();
  CHECK(end.code == 128 + SIGPIPE);
  CHECK(end.cpu < 2s);
  CHECK(answered(scene) == 60);
  CHECK(scene.number("SELECT count(*) FROM run WHERE state = 'ended'") == 1);
  CHECK(scene.harvest().code == 0);
  CHECK(scene.teacher().requests() == 60);
}

// when:  the process is stopped for three seconds, with requests on the wire, and goes on
// then:  no burst above the limit makes up for the gap, and no row has failed by it
TEST_CASE("a suspended harvest wakes without a burst and without a failure", "[e2e][signal]") {
  constexpr int kPerSecond = 20;
  Scene scene({.latency = 100ms}, {{"requests_per_minute", std::to_string(kPerSecond * 60)}, {"timeout_seconds", "2"}});
  scene.write("prompts.jsonl", sums(100));
  const auto program = scene.start(scene.harvest_words());
  REQUIRE(eventually([&] { return scene.teacher().requests() >= 20; }));
  program->send(SIGSTOP);
  eventually([] { return false; }, 3s);
  program->send(SIGCONT);
  const ProgramEnd end = program->wait();

  CAPTURE(end.err);
  CHECK(end.code == 0);
  CHECK(answered(scene) == 100);
  CHECK(scene.number("SELECT count(*) FROM request WHERE status = 'failed'") == 0);
  // A second's worth may be in the bucket.
  CHECK(most_within(scene.teacher().log(), 1s) <= 2 * kPerSecond + 1);
  CHECK(most_within(scene.teacher().log(), 100ms) <= kPerSecond + 3);
}

// when:  a harvest that sleeps while the server closes its idle connections
// then:  the dead connections are replaced free of charge: each prompt one attempt
TEST_CASE("connections that died in a pause are replaced without an attempt", "[e2e][signal]") {
  Scene scene({.scenario = "every 3: stale"}, {{"max_in_flight", "4"}});
  scene.write("prompts.jsonl", sums(60));
  CHECK(scene.harvest({"--attempts", "1"}).code == 0);
  CHECK(answered(scene) == 60);
  CHECK(scene.number("SELECT count(*) FROM attempt") == 60);
}

// when:  1000 requests in flight are wanted and 64 files may be open
// then:  it says so, uses what there is, and nothing fails
TEST_CASE("few descriptors make a harvest narrower, not worse", "[e2e][limits]") {
  Scene scene({.latency = 30ms}, {{"max_in_flight", "1000"}});
  scene.write("prompts.jsonl", sums(300));
  ProgramSetup setup = scene.setup(scene.harvest_words());
  setup.descriptors_max = GENERATE(64, 24);
  const ProgramEnd end = Program(setup).wait();
  CAPTURE(end.err);
  CHECK(end.code == 0);
  CHECK(has(end.err, "too few files for 1000 requests in flight"));
  CHECK(has(end.err, "ulimit -n"));
  CHECK(answered(scene) == 300);
  CHECK(scene.number("SELECT count(*) FROM attempt WHERE outcome <> 'answered'") == 0);
}

}  // namespace
}  // namespace retort
