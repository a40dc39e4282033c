// How long a teacher is left alone after it said no, seen from the teacher's side: no request before its wish is over.
#include <csignal>
#include <future>

#include "tests/catch.h"
#include "tests/e2e/scene.h"

namespace retort {
namespace {

/// A refusal among eight requests in flight, and what came after it.
struct Pause {
  std::string fault;
  Duration asked;
  Duration first;         ///< from the refusal to the first request after it
  std::int64_t requests;  ///< all
  int code;
};

// What had been sent when the refusal arrived may still arrive itself.
constexpr Duration kUnderWay = 150ms;
constexpr Duration kLatency = 40ms;

Pause watch_pause(const std::string& fault, Duration asked, int prompts) {
  Scene scene({.scenario = "9: " + fault, .latency = kLatency});
  scene.write("prompts.jsonl", sums(prompts));
  Pause pause{fault, asked, 24h, 0, scene.harvest().code};
  const auto log = scene.teacher().log();
  pause.requests = static_cast<std::int64_t>(log.size());
  for (const FakeTeacherEntry& entry : log) {
    const Duration after = entry.at - (log.at(8).at + kLatency);
    if (after > kUnderWay) pause.first = std::min(pause.first, after);
  }
  return pause;
}

struct Wish {
  const char* fault;
  Duration at_least, at_most;
};

constexpr Wish kWishes[] = {
    {"429", 1s, 5s},
    {"429, Retry-After 2", 2s, 6s},
    {"429_date", 1s - kLatency, 6s},  // a date at least a second after the request came
    {"429_ms", 200ms, 5s},            // beside a Retry-After of a minute
    {"429_body", 1s, 5s},             // Gemini's RetryInfo
    {"503_retry", 1s, 5s},
    {"503_retry, Retry-After 2", 2s, 6s},
};

// when:  the refusal among eight requests in flight, while dozens wait
// then:  nothing at all is sent until the time is over; then everything is answered
TEST_CASE("nothing is asked while the teacher wants silence", "[e2e][wire]") {
  std::vector<std::future<Pause>> pauses;
  for (const Wish& wish : kWishes) {
    pauses.push_back(std::async(std::launch::async, watch_pause, std::string(wish.fault), wish.at_least, 60));
  }
  for (std::size_t i = 0; i < pauses.size(); ++i) {
    const Pause pause = pauses[i].get();
    CAPTURE(pause.fault, seconds(pause.first));
    CHECK(pause.code == 0);
    CHECK(pause.requests == 61);
    // The clocks of the two ends start with a packet between them.
    CHECK(pause.first >= kWishes[i].at_least - 10ms);
    CHECK(pause.first <= kWishes[i].at_most);
  }
}

// when:  a Retry-After that says nothing, or nothing sensible
// then:  a pause of its own making: no busy loop, and not for ever
TEST_CASE("a refusal that names no time is not answered in haste", "[e2e][wire]") {
  const char* faults[] = {"429_none", "429_neg", "429_junk", "429_past", "429_zero", "429_reset_zero"};
  std::vector<std::future<std::vector<FakeTeacherEntry>>> logs;
  for (const char* fault : faults) {
    logs.push_back(std::async(std::launch::async, [fault] {
      Scene scene({.scenario = std::string("1-3: ") + fault}, {{"max_in_flight", "1"}});
      scene.write("prompts.jsonl", sums(2));
      scene.harvest();
      return scene.teacher().log();
    }));
  }
  for (std::size_t i = 0; i < logs.size(); ++i) {
    CAPTURE(faults[i]);
    const auto log = logs[i].get();
    REQUIRE(log.size() == 5);
    for (std::size_t at = 1; at <= 3; ++at) {
      const Duration gap = log[at].at - log[at - 1].at;
      CAPTURE(at, seconds(gap));
      CHECK(gap >= 90ms);
      CHECK(gap < 15s);
    }
  }
}

// when:  a Retry-After of 10^22 seconds
// then:  a pause that is clamped and told, without a busy loop, and Ctrl-C works in it
TEST_CASE("an absurd wish for silence is clamped and told", "[e2e][wire]") {
  Scene scene({.scenario = "then: 429_huge"});
  scene.write("prompts.jsonl", sums(3));
  const auto program = scene.start(scene.harvest_words());
  CHECK(eventually([&] { return has(program->err(), "waiting 3600 s"); }));
  eventually([] { return false; }, 300ms);  // what was under way has arrived
  const std::int64_t requests = scene.teacher().requests();
  eventually([] { return false; }, 300ms);
  program->send(SIGINT);
  const ProgramEnd end = program->wait(10s);
  CHECK(end.code == 130);
  CHECK(scene.teacher().requests() == requests);
  CHECK(end.cpu < 200ms);
  CHECK(scene.number("SELECT count(*) FROM request WHERE status = 'pending' AND attempts_charged = 0") == 3);
}

// when:  the teacher answers everything with 500 and a Retry-After of an hour
// then:  the wish is obeyed there too: one round of requests, no more
TEST_CASE("a failing teacher that wants silence gets it", "[e2e][wire]") {
  Scene scene({.scenario = "then: 503_retry, Retry-After 3600"});
  scene.write("prompts.jsonl", sums(50));
  const auto program = scene.start(scene.harvest_words());
  CHECK(eventually([&] { return has(program->err(), "waiting 3600 s"); }));
  eventually([] { return false; }, 500ms);
  CHECK(scene.teacher().requests() <= 8);
  program->send(SIGTERM);
  CHECK(program->wait(10s).code == 143);
}

}  // namespace
}  // namespace retort
