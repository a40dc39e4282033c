// Whatever ends a harvest, what was paid for is on disk, and the same command goes on from there.
#include <csignal>
#include <filesystem>

#include "core/base/clock.h"
#include "core/base/random.h"
#include "tests/catch.h"
#include "tests/e2e/scene.h"

namespace retort {
namespace {

const SystemClock kClock;

std::int64_t answered(const Scene& scene) {
  return scene.number("SELECT count(*) FROM request WHERE status = 'answered'");
}

/// The corpus as the kill left it is examined in a copy, so that the next run finds what a crash leaves.
struct Wreck {
  std::string integrity;
  std::int64_t answered = 0;
};

Wreck examine(const Scene& scene) {
  const TemporaryFolder copy;
  for (const char* name : {"corpus.db", "corpus.db-wal"}) {
    if (std::filesystem::exists(scene.path(name))) std::filesystem::copy_file(scene.path(name), copy.path(name));
  }
  const auto opened = Connection::open(copy.path("corpus.db"), Connection::Mode::write);
  if (!opened) return {opened.error().message};
  Wreck wreck;
  Rows rows = (*opened)->query("PRAGMA integrity_check");
  wreck.integrity = rows.next() ? rows.text(0) : "no result";
  if (const auto tables = (*opened)->number("SELECT count(*) FROM sqlite_master WHERE name = 'request'");
      *tables == 1) {
    wreck.answered = *(*opened)->number("SELECT count(*) FROM request WHERE status = 'answered'");
  }
  return wreck;
}

// when:  kill -9 at twenty random instants, the same command after each
// then:  nothing stored is lost, nothing stored is asked again, and what a kill costs is what was in flight
TEST_CASE("killed twenty times, a harvest loses no more than was in flight", "[e2e][crash]") {
  constexpr int kPrompts = 2000, kKills = 20, kInFlight = 16;
  Scene scene({.latency = 10ms, .latency_spread = 10ms}, {{"max_in_flight", std::to_string(kInFlight)}});
  scene.write("prompts.jsonl", sums(kPrompts));
  const std::uint64_t seed = 20260101;
  Random random(seed);
  std::int64_t stored = 0;
  int kills = 0, most_in_flight = 0;

  while (kills < kKills) {
    CAPTURE(seed, kills);
    const std::int64_t before = scene.teacher().requests();
    const std::int64_t until = before + random.between(0, 120);
    const auto program = scene.start(scene.harvest_words());
    // Some die before their first request, some at any point between two.
    if (until == before) {
      eventually([] { return false; }, random.jitter(30ms));
    } else {
      REQUIRE(eventually([&] { return scene.teacher().requests() >= until || !program->running(); }));
      eventually([] { return false; }, random.jitter(5ms));
    }
    most_in_flight = std::max(most_in_flight, scene.teacher().in_flight());
    program->send(SIGKILL);
    REQUIRE(program->wait().code == -SIGKILL);
    ++kills;
    if (!std::filesystem::exists(scene.path("corpus.db"))) continue;
    const Wreck wreck = examine(scene);
    REQUIRE(wreck.integrity == "ok");
    REQUIRE(wreck.answered >= stored);
    stored = wreck.answered;
  }
  REQUIRE(eventually([&] { return scene.teacher().in_flight() == 0; }));
  const std::int64_t lost = scene.teacher().delivered() - stored;
  const ProgramEnd end = scene.harvest();

  CHECK(end.code == 0);
  CHECK(stored > 0);
  CHECK(most_in_flight <= kInFlight);
  CHECK(lost <= kKills * kInFlight);
  CHECK(scene.text("PRAGMA integrity_check") == "ok");
  CHECK(answered(scene) == kPrompts);
  CHECK(scene.number("SELECT count(*) FROM response") == kPrompts);
  CHECK(scene.number("SELECT count(DISTINCT request_id) FROM response") == kPrompts);
  CHECK(scene.number("SELECT count(*) FROM attempt WHERE outcome IN ('unsent', 'sent')") == 0);
  const auto books = scene.teacher().books();
  CHECK(books.size() == kPrompts);
  std::int64_t twice = 0, never = 0;
  for (const auto& [prompt, book] : books) {
    twice += std::max(0, book.delivered - 1);
    never += book.delivered == 0 ? 1 : 0;
  }
  CHECK(never == 0);
  CHECK(twice <= kKills * kInFlight);
  CHECK(twice == lost);  // asked again is what was lost, and nothing else
  // The record of possibly billed attempts is an upper bound of what was really lost.
  CHECK(scene.number("SELECT count(*) FROM attempt WHERE outcome = 'delivery_unknown' AND possibly_billed") >= lost);
}

struct Interrupt {
  int signal, code;
};

TEST_CASE("one signal drains: what is on the wire is kept, nothing new is sent", "[e2e][signal]") {
  const auto [signal, code] = GENERATE(Interrupt{SIGINT, 130}, Interrupt{SIGTERM, 143});
  CAPTURE(signal);
  Scene scene({.latency = 300ms});
  scene.write("prompts.jsonl", sums(100));
  const auto program = scene.start(scene.harvest_words());
  REQUIRE(eventually([&] { return scene.teacher().requests() >= 12 && scene.teacher().in_flight() == 8; }));

  program->send(signal);
  const ProgramEnd end = program->wait();

  CHECK(end.code == code);
  CHECK(said(end).back() == "retort: stopped by a signal");
  CHECK(scene.teacher().requests() < 100);
  CHECK(answered(scene) == scene.teacher().requests());
  CHECK(scene.teacher().delivered() == scene.teacher().requests());
  CHECK(scene.number("SELECT count(*) FROM attempt WHERE outcome <> 'answered'") == 0);
  CHECK(scene.number("SELECT exit_code FROM run") == code);

  CHECK(scene.harvest().code == 0);
  for (const auto& [prompt, book] : scene.teacher().books()) CHECK(book.received == 1);
  CHECK(answered(scene) == 100);
}

TEST_CASE("a second signal leaves at once, and the next run goes on", "[e2e][signal]") {
  Scene scene({.scenario = "1-8: stall; then: ok"});
  scene.write("prompts.jsonl", sums(30));
  const auto program = scene.start(scene.harvest_words());
  REQUIRE(eventually([&] { return scene.teacher().requests() == 8; }));
  program->send(SIGINT);
  REQUIRE(eventually([&] { return has(program->err(), "waiting for 8 answers on the wire"); }));
  CHECK(program->running());

  program->send(SIGINT);
  const ProgramEnd end = program->wait(10s);

  CHECK(end.code == 130);
  CHECK_FALSE(end.timed_out);
  const ProgramEnd next = scene.harvest();
  CHECK(next.code == 0);
  CHECK(has(next.err, "an earlier run ended without a word"));
  CHECK(answered(scene) == 30);
  CHECK(scene.number("SELECT count(*) FROM attempt WHERE outcome = 'delivery_unknown'") >= 8);
}

TEST_CASE("a drain has an end: what has not come by then is given up and counted", "[e2e][signal]") {
  Scene scene({.scenario = "1-8: stall; then: ok"});
  scene.write("prompts.jsonl", sums(30));
  const auto program = scene.start(scene.harvest_words({"--drain", "0.5"}));
  REQUIRE(eventually([&] { return scene.teacher().requests() == 8; }));

  program->send(SIGINT);
  const ProgramEnd end = program->wait(20s);

  CHECK(end.code == 130);
  CHECK(scene.number("SELECT count(*) FROM attempt WHERE outcome = 'cancelled' AND possibly_billed") == 8);
  CHECK(scene.number("SELECT count(*) FROM attempt") == 8);
  CHECK(scene.harvest().code == 0);
  CHECK(answered(scene) == 30);
}

// The limit on the size of files stands for a full disk: both fail in the middle of a write.
TEST_CASE("a full disk stops the sending, and with room the same command goes on", "[e2e][disk]") {
  constexpr int kPrompts = 3000;
  Scene scene({.latency = 2ms}, {{"max_in_flight", "16"}});
  scene.write("prompts.jsonl", sums(kPrompts));
  ProgramSetup setup = scene.setup(scene.harvest_words({"--drain", "1.5"}));
  setup.file_bytes_max = 3'000'000;

  Program full(setup);
  const ProgramEnd end = full.wait();

  CHECK(end.code == 8);
  const std::string last = said(end).back();
  CAPTURE(last);
  CHECK(last.starts_with("retort: "));
  CHECK(has(last, "corpus.db"));
  CHECK(has(last, "disk is full"));
  const std::int64_t asked = scene.teacher().requests();
  const std::int64_t kept = answered(scene);
  CHECK(scene.text("PRAGMA integrity_check") == "ok");
  CHECK(kept > 0);
  CHECK(kept < kPrompts);
  CHECK(asked - kept <= 16);

  CHECK(scene.harvest().code == 0);
  CHECK(answered(scene) == kPrompts);
  CHECK(scene.number("SELECT count(*) FROM response") == kPrompts);
  CHECK(scene.teacher().requests() - kPrompts <= 16);
}

}  // namespace
}  // namespace retort
