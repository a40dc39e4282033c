// Single promises of the harvest in worlds made for them, and the bugs that show that the checkers can see.
#include <algorithm>

#include "tests/catch.h"
#include "tests/simulation/seeds.h"
#include "tests/simulation/world.h"

using namespace retort;
using namespace retort::simulation;

namespace {

ProcessSettings& only(WorldSettings& world) { return world.processes.front(); }

WorldSettings plain(std::int64_t prompts, int in_flight_max) {
  WorldSettings world;
  only(world).prompts = prompts;
  only(world).harvest.limits.in_flight_max = in_flight_max;
  only(world).harvest.retry.backoff_base = 100ms;
  only(world).harvest.retry.backoff_cap = 5s;
  return world;
}

std::string found(WorldSettings settings, std::uint64_t seed = 5) {
  World world(std::move(settings), seed);
  return joined(world.run());
}

std::string found_with(WorldSettings settings, const std::string& bug) {
  CHECK(found(settings) == "");  // without the bug there is nothing to find
  only(settings).bug = bug;
  return found(settings);
}

}  // namespace

TEST_CASE("a known limit is used and never overrun", "[simulation]") {
  WorldSettings settings = plain(3000, 64);
  settings.provider.gateway.requests_per_minute = 600;
  settings.provider.gateway.bucket = 1s;
  only(settings).harvest.limits.requests_per_minute = 600;
  World world(settings, 1);
  CHECK(joined(world.run()) == "");
  CHECK(world.answered() == 3000);
  CHECK(world.audit().refusals() * 50 <= world.answered());
  // 3000 requests at 600 a minute are five minutes, less the first burst.
  CHECK(world.simulated_minutes() < 5.1);
}

TEST_CASE("a full disk stops sending first, and loses nothing it has in hand", "[simulation]") {
  WorldSettings settings = plain(400, 32);
  only(settings).disk.full = 0.3;
  World world(settings, 9);
  CHECK(joined(world.run()) == "");
  CHECK(world.process(0).stops() > 0);
  CHECK(world.answered() == 400);
}

TEST_CASE("after a failed sync the harvest ends, and the next one asks only what is missing", "[simulation]") {
  WorldSettings settings = plain(400, 32);
  only(settings).disk.failing = 0.05;
  World world(settings, 10);
  CHECK(joined(world.run()) == "");
  CHECK(world.process(0).stops() > 0);
  CHECK(world.answered() == 400);
}

TEST_CASE("a stop drains: what is on the wire is awaited, nothing is left without an outcome", "[simulation]") {
  WorldSettings settings = plain(2000, 32);
  only(settings).signal_after = 3s;
  only(settings).restarts_after = std::chrono::hours(1);
  World world(settings, 2);
  world.run_until(World::kStart + 10min);
  CHECK(joined(world.audit().findings()) == "");
  REQUIRE(world.process(0).last_report().stopped.has_value());
  CHECK(world.process(0).last_report().stopped->code == Errc::interrupted);
  CHECK(world.answered() > 0);
  CHECK(world.answered() < 2000);
}

TEST_CASE("a cap on money, tokens or requests holds over power cuts", "[simulation]") {
  WorldSettings settings = plain(500, 64);
  settings.lengths = {30, 0.7, 60, 0.9, 400};
  settings.provider.faults.transient = 0.1;
  settings.provider.faults.silence = 0.01;
  only(settings).harvest.max_tokens = 400;
  only(settings).harvest.total_timeout = 1min;
  only(settings).power_cut = 0.002;
  SECTION("money") { only(settings).harvest.caps.money = Usd::from_dollars(0.03); }
  SECTION("tokens") { only(settings).harvest.caps.tokens = 20'000; }
  SECTION("requests") { only(settings).harvest.caps.requests = 200; }
  World world(settings, 3);
  CHECK(joined(world.run()) == "");
  REQUIRE(world.process(0).last_report().stopped.has_value());
  CHECK(world.process(0).last_report().stopped->code == Errc::quota);
  CHECK(world.answered() > 10);
  CHECK(world.answered() < 500);
}

TEST_CASE("a million dollars is never exceeded, and nearly spent", "[simulation]") {
  WorldSettings settings = plain(20'000, 1000);
  settings.lengths = {100, 0.5, 100, 0.5, 1000};
  only(settings).harvest.max_tokens = 1000;
  only(settings).harvest.caps.money = Usd::from_dollars(1e6);
  only(settings).price_input = 500'000;
  only(settings).price_output = 1'000'000;
  World world(settings, 4);
  CHECK(joined(world.run()) == "");
  CHECK(world.answered() < 20'000);
  CHECK(world.audit().dollars(0) > 0.99e6);
}

TEST_CASE("little memory: reading pauses, and everything is answered", "[simulation]") {
  WorldSettings settings = plain(300, 64);
  settings.provider.faults.body_bytes = 100'000;
  settings.network.portion = 4096;
  only(settings).harvest.response_bytes_max = 400'000;
  World world(settings, 6);
  CHECK(joined(world.run()) == "");
  CHECK(world.answered() == 300);
}

TEST_CASE("a second process on a corpus is refused until the first is gone", "[simulation]") {
  WorldSettings settings = plain(300, 16);
  settings.processes.push_back(only(settings));
  settings.processes.back().starts_after = 1s;
  World world(settings, 7);
  CHECK(joined(world.run()) == "");
  CHECK(world.answered() == 300);
  CHECK(world.process(1).attempts() == 0);
}

TEST_CASE("processes that share a pace keep one limit together", "[simulation]") {
  WorldSettings settings = plain(600, 64);
  settings.provider.gateway.requests_per_minute = 600;
  settings.provider.gateway.bucket = 1s;
  only(settings).harvest.limits.requests_per_minute = 600;
  only(settings).shares_pace = true;
  for (int i = 1; i < 3; ++i) {
    settings.processes.push_back(only(settings));
    settings.processes.back().corpus = i;
  }
  World world(settings, 8);
  CHECK(joined(world.run()) == "");
  CHECK(world.answered(0) + world.answered(1) + world.answered(2) == 1800);
  CHECK(world.audit().refusals() * 50 <= 1800);
  CHECK(world.simulated_minutes() < 3.2);
}

TEST_CASE("after a suspend there is no burst, and no row is lost by the gap", "[simulation]") {
  WorldSettings settings = plain(1000, 64);
  settings.provider.gateway.requests_per_minute = 600;
  settings.provider.gateway.bucket = 1s;
  only(settings).harvest.limits.requests_per_minute = 600;
  settings.suspended_every = 20s;
  settings.suspended_for = 2min;
  settings.wall_steps_every = 10s;
  World world(settings, 11);
  CHECK(joined(world.run()) == "");
  CHECK(world.answered() == 1000);
}

TEST_CASE("each checker catches the bug it is there for", "[simulation]") {
  const WorldSettings simple = plain(300, 16);
  CHECK_THAT(found_with(simple, "begun too early"), ContainsText("without being on record"));
  CHECK_THAT(found_with(simple, "sends twice"), ContainsText("without being on record"));
  CHECK_THAT(found_with(simple, "forgets answers"), ContainsText("in hand and is not on disk"));
  CHECK_THAT(found_with(plain(10, 16), "drops outcomes"), ContainsText("in hand and is not on disk"));
  CHECK_THAT(found_with(simple, "swaps answers"), ContainsText("has another's answer"));
  CHECK_THAT(found_with(simple, "loses an end"), ContainsText("waits for ever with nothing under way"));
}

TEST_CASE("the checkers of what is on disk catch their bugs", "[simulation]") {
  const WorldSettings simple = plain(300, 16);
  CHECK_THAT(found_with(simple, "takes all for answered"), ContainsText("still pending after a complete harvest"));
  CHECK_THAT(found_with(simple, "skips a prompt"), ContainsText("not every prompt is in the corpus"));
  CHECK_THAT(found_with(simple, "stores twice"), ContainsText("has 2 answers"));
  CHECK_THAT(found_with(simple, "mistakes answers"), ContainsText("asked again while its answer was in hand"));
  WorldSettings stopped = plain(2000, 32);
  only(stopped).signal_after = 3s;
  CHECK_THAT(found_with(stopped, "overlooks answers"), ContainsText("asked again though its answer is on disk"));
  WorldSettings impatient = plain(300, 16);
  impatient.provider.faults.transient = 0.2;
  only(impatient).harvest.retry.attempts_max = 1;
  CHECK_THAT(found_with(impatient, "notes failures as answered"), ContainsText("status and answer differ"));
  WorldSettings capped = plain(300, 16);
  only(capped).harvest.limits.requests_per_minute = 600;
  only(capped).harvest.caps.until = WallTime{Provider::wall(World::kStart + 5s)};
  CHECK_THAT(found_with(capped, "never releases"), ContainsText("no outcome after a clean end"));
}

TEST_CASE("the checkers of limits and refusals catch their bugs", "[simulation]") {
  WorldSettings limited = plain(600, 16);
  limited.provider.gateway.requests_per_minute = 600;
  limited.provider.gateway.bucket = 1s;
  limited.provider.gateway.whole_second_retry_after = true;
  limited.provider.gateway.sends_limits = false;
  CHECK_THAT(found_with(limited, "ignores retry-after"), ContainsText("asked for silence"));
  CHECK_THAT(found_with(limited, "charges refusals"), ContainsText("burnt an attempt"));
  only(limited).harvest.limits.requests_per_minute = 600;
  limited.provider.gateway.requests_per_minute = 0;  // it would take more, but that is not what was promised
  CHECK_THAT(found_with(limited, "fast clock"), ContainsText("beyond the limit on requests"));
  limited.provider.gateway.requests_per_minute = 60;
  only(limited).harvest.limits.requests_per_minute = 60;
  only(limited).prompts = 30;
  CHECK_THAT(found_with(limited, "slow clock"), ContainsText("though there was work"));
  Promises fewer;
  fewer.limits.in_flight_max = 8;
  WorldSettings crowded = plain(300, 16);
  crowded.promises = fewer;
  CHECK_THAT(found(crowded), ContainsText("more was in flight"));
  fewer.limits.tokens_per_minute = 600;
  fewer.limits.in_flight_max = 16;
  fewer.token_burst = 100;
  crowded.promises = fewer;
  CHECK_THAT(found(crowded), ContainsText("beyond the limit on tokens"));
}

TEST_CASE("the checkers of disk, memory, stops and rows catch their bugs", "[simulation]") {
  WorldSettings failing = plain(400, 32);
  only(failing).disk.failing = 0.05;
  CHECK_THAT(found_with(failing, "tries a failed sync again"), ContainsText("a failed sync was tried again"));
  only(failing).harvest.limits.requests_per_minute = 600;
  CHECK_THAT(found_with(failing, "overlooks the disk"), ContainsText("after the disk had failed"));
  WorldSettings small = plain(300, 64);
  small.provider.faults.body_bytes = 100'000;
  small.network.portion = 4096;
  only(small).harvest.response_bytes_max = 400'000;
  CHECK_THAT(found_with(small, "never pauses"), ContainsText("bytes of replies were in memory"));
  WorldSettings signalled = plain(2000, 32);
  only(signalled).signal_after = 3s;
  CHECK_THAT(found_with(signalled, "hides the signal"), ContainsText("after a signal to stop"));
  WorldSettings troubled = plain(300, 16);
  troubled.provider.faults.transient = 0.2;
  CHECK_THAT(found_with(troubled, "gives up early"), ContainsText("was given up after"));
}

TEST_CASE("the checkers of caps, of an end and of sameness catch their bugs", "[simulation]") {
  WorldSettings capped = plain(300, 16);
  capped.lengths.most = 20;
  only(capped).harvest.max_tokens = 20;
  only(capped).harvest.caps.money = Usd::from_dollars(0.002);
  CHECK(found(capped) == "");
  Promises cheaper;  // as the user meant it: the profile names half of what the teacher takes
  cheaper.limits = only(capped).harvest.limits;
  cheaper.caps = only(capped).harvest.caps;
  cheaper.price_input = 2;
  cheaper.price_output = 4;
  capped.promises = cheaper;
  CHECK_THAT(found(capped), ContainsText("bill is beyond the cap"));
  cheaper.price_output = 0;
  cheaper.caps = {};
  cheaper.caps.requests = 20;
  capped.promises = cheaper;
  CHECK_THAT(found(capped), ContainsText("more requests were admitted than the cap"));
  cheaper.caps = {};
  cheaper.caps.tokens = 500;
  capped.promises = cheaper;
  CHECK_THAT(found(capped), ContainsText("counted more tokens than the cap"));

  WorldSettings endless = plain(300, 16);
  only(endless).power_cut = 0.5;
  only(endless).deaths_max = 1'000'000'000;
  only(endless).restarts_after = std::chrono::hours(1);
  CHECK_THAT(found(endless), ContainsText("does not end"));

  WorldSettings changing = plain(300, 16);
  only(changing).bug = "remembers";
  World one(changing, 5), two(changing, 5);
  (void)one.run();
  (void)two.run();
  CHECK(one.audit().digest() != two.audit().digest());
}
