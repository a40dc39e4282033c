// Promises of the harvest, held in a simulated world. A failing seed is one command to replay:
//   RETORT_SEED=17 build/simulation_tests "seeds*"
#include <cstdlib>

#include "tests/catch.h"
#include "tests/simulation/world.h"

using namespace retort;
using namespace retort::simulation;

namespace {

std::string joined(const Findings& findings) {
  std::string text;
  for (const std::string& finding : findings) text += finding + "\n";
  return text;
}

// A world with everything in it, drawn from the seed.
WorldSettings drawn_from(std::uint64_t seed) {
  Random random(seed * 7919 + 13);
  WorldSettings settings;
  settings.prompts = static_cast<int>(random.between(1, 300));
  settings.harvest.limits.in_flight_max = static_cast<int>(random.between(1, 64));
  settings.harvest.retry.backoff_base = 100ms;
  settings.harvest.retry.backoff_cap = 5s;
  settings.latency = random.jitter(2s) + 1ms;
  settings.sync_latency = random.jitter(50ms) + 1us;
  if (random.chance(0.5)) settings.fault_probability = random.uniform() * 0.3;
  if (random.chance(0.4)) settings.power_cut_probability = random.uniform() * 0.01;
  if (random.chance(0.5)) {
    settings.teacher_requests_per_minute = static_cast<double>(random.between(300, 6000));
    settings.teacher_burst = static_cast<double>(random.between(1, 50));
    // Half of the users know the limit, the others are told by 429s.
    if (random.chance(0.5)) settings.harvest.limits.requests_per_minute = settings.teacher_requests_per_minute;
    settings.sends_retry_after = random.chance(0.7);
  }
  if (random.chance(0.2)) settings.stop_at = Instant{1'000'000'000} + random.jitter(20s);
  if (random.chance(0.1)) settings.full_disk_probability = 0.02;
  return settings;
}

}  // namespace

TEST_CASE("seeds: every promise holds in a world of faults, power cuts, limits and stops", "[simulation]") {
  std::uint64_t first = 1, last = 500;
  if (const char* replay = std::getenv("RETORT_SEED")) first = last = std::strtoull(replay, nullptr, 10);
  if (const char* many = std::getenv("RETORT_SEEDS")) last = std::strtoull(many, nullptr, 10);
  std::int64_t attempts = 0;
  int cuts = 0;
  for (std::uint64_t seed = first; seed <= last; ++seed) {
    World world(drawn_from(seed), seed);
    const Findings findings = world.run();
    attempts += world.attempts();
    cuts += world.power_cuts();
    INFO("seed " << seed << ": replay with RETORT_SEED=" << seed);
    INFO(joined(findings));
    REQUIRE(findings.empty());
  }
  if (first != last) {
    CHECK(attempts > 10'000);  // the worlds were not empty
    CHECK(cuts > 100);
  }
}

TEST_CASE("the same seed gives the same transcript", "[simulation]") {
  for (const std::uint64_t seed : {3u, 4u, 5u}) {
    World one(drawn_from(seed), seed), two(drawn_from(seed), seed);
    CHECK(one.run() == two.run());
    CHECK(one.transcript_digest() == two.transcript_digest());
  }
  World one(drawn_from(3), 3), other(drawn_from(4), 4);
  one.run();
  other.run();
  CHECK(one.transcript_digest() != other.transcript_digest());
}

TEST_CASE("a known limit is used and never overrun", "[simulation]") {
  WorldSettings settings;
  settings.prompts = 3000;
  settings.latency = 300ms;
  settings.teacher_requests_per_minute = 600;
  settings.teacher_burst = 11;  // a second's worth, and one for the network's jitter
  settings.harvest.limits.requests_per_minute = 600;
  settings.harvest.limits.in_flight_max = 64;
  World world(settings, 1);
  CHECK(joined(world.run()).empty());
  CHECK(world.answered() == 3000);
  CHECK(world.refusals() == 0);
  // 3000 requests at 600 a minute are five minutes, less the first burst.
  CHECK(world.simulated_minutes() < 5.1);
}

TEST_CASE("a full disk stops sending first, and loses nothing it has in hand", "[simulation]") {
  WorldSettings settings;
  settings.prompts = 400;
  settings.full_disk_probability = 0.3;
  World world(settings, 9);
  CHECK(joined(world.run()).empty());
  REQUIRE(world.stopped().has_value());
  CHECK(world.stopped()->code == Errc::disk);
}

TEST_CASE("a stop drains: what is on the wire is awaited, nothing is left without an outcome", "[simulation]") {
  WorldSettings settings;
  settings.prompts = 2000;
  settings.stop_at = Instant{1'000'000'000} + 3s;
  World world(settings, 2);
  CHECK(joined(world.run()).empty());
  REQUIRE(world.stopped().has_value());
  CHECK(world.stopped()->code == Errc::interrupted);
  CHECK(world.answered() > 0);
  CHECK(world.answered() < 2000);
}

TEST_CASE("each checker catches the bug it is there for", "[simulation]") {
  WorldSettings settings;
  settings.prompts = 300;
  settings.harvest.limits.in_flight_max = 16;
  const auto findings_of = [&](Bug bug) {
    World world(settings, 5, bug);
    return joined(world.run());
  };
  CHECK(findings_of(Bug::none).empty());
  CHECK_THAT(findings_of(Bug::send_before_recording), ContainsText("without being on record"));
  CHECK_THAT(findings_of(Bug::forget_answers), ContainsText("pending after a complete harvest"));
  CHECK_THAT(findings_of(Bug::send_twice), ContainsText("paid for again"));
  settings.teacher_requests_per_minute = 600;
  settings.teacher_burst = 2;
  CHECK(findings_of(Bug::none).empty());
  CHECK_THAT(findings_of(Bug::ignore_retry_after), ContainsText("asked for silence"));
  settings.harvest.limits.requests_per_minute = 600;
  settings.harvest.limits.burst = 100ms;
  World within(settings, 6), beyond(settings, 6, Bug::overrun_limit);
  within.run();
  beyond.run();
  CHECK(within.refusals() * 20 < beyond.refusals());
}
