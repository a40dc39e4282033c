// Promises of the harvest, held in simulated worlds drawn from seeds. A failing seed is one command to replay, with its
// transcript:
//   RETORT_SEED=17 build/simulation_tests "seeds*"
#include <chrono>
#include <cstdio>
#include <cstdlib>

#include "tests/catch.h"
#include "tests/simulation/seeds.h"
#include "tests/simulation/world.h"

using namespace retort;
using namespace retort::simulation;

namespace {

/// A world drawn from the seed, again, with every event as a line.
std::string transcript_of(std::uint64_t seed) {
  WorldSettings settings = drawn_from(seed);
  settings.keeps_transcript = true;
  std::string text = described(settings);
  World world(std::move(settings), seed);
  (void)world.run();
  return text + world.audit().text();
}

}  // namespace

TEST_CASE("seeds: every promise holds in a world of faults, power cuts, limits and stops", "[simulation]") {
  std::uint64_t first = 1, last = 500;
  const char* const replay = std::getenv("RETORT_SEED");
  if (replay != nullptr) first = last = std::strtoull(replay, nullptr, 10);
  if (const char* many = std::getenv("RETORT_SEEDS")) last = std::strtoull(many, nullptr, 10);
  constexpr int kFailuresShown = 20;
  std::string failed;
  int failures = 0;
  std::int64_t attempts = 0, deaths = 0;
  const std::clock_t began = std::clock();
  for (std::uint64_t seed = first; seed <= last; ++seed) {
    World world(drawn_from(seed), seed);
    const Findings findings = world.run();
    attempts += world.attempts();
    deaths += world.deaths();
    if ((replay != nullptr && !findings.empty()) || std::getenv("RETORT_TRANSCRIPT") != nullptr)
      std::fputs(transcript_of(seed).c_str(), stdout);
    if (findings.empty()) continue;
    failed += "seed " + std::to_string(seed) + ": " + joined(findings);
    if (++failures == kFailuresShown) break;
  }
  const double minutes = static_cast<double>(std::clock() - began) / CLOCKS_PER_SEC / 60;
  std::printf("%llu worlds, %lld attempts, %lld deaths: %.0f attempts a minute of one core\n",
              static_cast<unsigned long long>(last - first + 1), static_cast<long long>(attempts),
              static_cast<long long>(deaths), static_cast<double>(attempts) / minutes);
  INFO("replay one with its transcript: RETORT_SEED=N simulation_tests \"seeds*\"");
  INFO(failed);
  REQUIRE(failures == 0);
  if (last - first < 499) return;
  CHECK(attempts > 10'000);  // the worlds were not empty
  CHECK(deaths > 100);
}

TEST_CASE("the same seed gives the same transcript", "[simulation]") {
  for (const std::uint64_t seed : {3u, 4u, 5u, 6u, 7u}) {
    World one(drawn_from(seed), seed), two(drawn_from(seed), seed);
    CHECK(one.run() == two.run());
    CHECK(one.audit().digest() == two.audit().digest());
    CHECK(transcript_of(seed) == transcript_of(seed));
  }
  World one(drawn_from(3), 3), other(drawn_from(4), 4);
  (void)one.run();
  (void)other.run();
  CHECK(one.audit().digest() != other.audit().digest());
}
