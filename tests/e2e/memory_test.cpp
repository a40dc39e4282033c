// Memory that runs out, at any allocation: never a crash without a word, never a corpus that lost what it had.
#include <csignal>

#include "tests/catch.h"
#include "tests/e2e/scene.h"

namespace retort {
namespace {

/// Whatever happened, what was stored is whole, and with memory the same command finishes.
// Not used where a sanitizer allocates.
[[maybe_unused]] void check_recovers(Scene& scene, const ProgramEnd& end, int prompts) {
  CHECK_FALSE(end.timed_out);
  // Its own status, or an abort that says what happened (an assertion, or what the runtime says of an exception).
  CHECK((end.code >= 0 || end.code == -SIGABRT));
  if (end.code != 0) CHECK(!said(end).empty());
  if (end.code == -SIGABRT)
    CHECK((has(end.err, "internal error") || has(end.err, "terminate called") || has(end.err, "Fatal glibc error")));
  const ProgramEnd next = scene.harvest();
  CAPTURE(next.err);
  CHECK(next.code == 0);
  CHECK(scene.text("PRAGMA integrity_check") == "ok");
  CHECK(scene.number("SELECT count(*) FROM request WHERE status = 'answered'") == prompts);
  std::int64_t twice = 0;
  for (const auto& [prompt, book] : scene.teacher().books()) twice += std::max(0, book.delivered - 1);
  CHECK(twice <= 8);  // what was in flight
}

// when:  the address space is bounded, from far too little to plenty
// then:  a clear end or a complete one, and nothing is lost
TEST_CASE("a harvest with too little memory ends with a word, and goes on with more", "[e2e][memory]") {
#ifdef RETORT_PRELOADS  // a sanitizer wants the address space for itself
  constexpr int kPrompts = 30;
  int complete = 0, refused = 0;
  for (const std::uint64_t mib : {24, 32, 40, 48, 64, 96, 160, 400}) {
    CAPTURE(mib);
    Scene scene;
    scene.write("prompts.jsonl", sums(kPrompts));
    ProgramSetup setup = scene.setup(scene.harvest_words());
    setup.address_bytes_max = mib << 20;
    const ProgramEnd end = Program(setup).wait(20s);
    CAPTURE(end.err, end.code);
    ++(end.code == 0 ? complete : refused);
    check_recovers(scene, end, kPrompts);
  }
  CHECK(complete > 0);
  CHECK(refused > 0);
#endif
}

#ifdef RETORT_PRELOADS

ProgramSetup preloaded(const Scene& scene, const std::map<std::string, std::string>& more) {
  ProgramSetup setup = scene.setup(scene.harvest_words());
  setup.environment["LD_PRELOAD"] = RETORT_BINARY_DIR "/memory_shim.so";
  for (const auto& [name, value] : more) setup.environment[name] = value;
  return setup;
}

// when:  one allocation fails, or ten thousand in a row, for a sweep over all allocations of a harvest
// then:  never a crash without a word, never a lost answer
TEST_CASE("a harvest survives that any allocation fails", "[e2e][memory]") {
  constexpr int kPrompts = 20;
  constexpr int kSteps = 40;
  std::int64_t allocations = 0;
  {
    Scene scene;
    scene.write("prompts.jsonl", sums(kPrompts));
    REQUIRE(Program(preloaded(scene, {{"MEMORY_SHIM_REPORT", scene.path("count")}})).wait().code == 0);
    allocations = std::stoll(scene.read("count"));
  }
  REQUIRE(allocations > 1000);
  int failed = 0;
  for (const char* count : {"1", "10000"}) {
    for (int step = 0; step < kSteps; ++step) {
      // Not a multiple of anything: each step meets another kind of allocation.
      const std::int64_t at = 1 + allocations * step / kSteps + step;
      CAPTURE(count, at);
      Scene scene;
      scene.write("prompts.jsonl", sums(kPrompts));
      const ProgramEnd end =
          Program(preloaded(scene, {{"MEMORY_SHIM_FAIL_AT", std::to_string(at)}, {"MEMORY_SHIM_FAIL_COUNT", count}}))
              .wait(20s);
      CAPTURE(end.err, end.code);
      failed += end.code != 0 ? 1 : 0;
      check_recovers(scene, end, kPrompts);
    }
  }
  CHECK(failed > 0);
}

#endif

}  // namespace
}  // namespace retort
