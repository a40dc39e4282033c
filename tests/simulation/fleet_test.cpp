// A teacher with several servers, which die and come back: no death costs an answer, and none is final.
#include "tests/catch.h"
#include "tests/simulation/seeds.h"
#include "tests/simulation/world.h"

using namespace retort;
using namespace retort::simulation;

namespace {

WorldSettings fleet(int endpoints, std::int64_t prompts) {
  WorldSettings world;
  world.endpoints.count = endpoints;
  ProcessSettings& process = world.processes.front();
  process.prompts = prompts;
  process.harvest.limits.in_flight_max = 64;
  process.harvest.total_timeout = 1min;
  process.harvest.retry.backoff_base = 100ms;
  process.harvest.retry.backoff_cap = 5s;
  process.harvest.retry.reconnect_cap = 5s;
  return world;
}

}  // namespace

TEST_CASE("endpoints share the work", "[simulation]") {
  World world(fleet(4, 2000), 21);
  CHECK(joined(world.run()) == "");
  CHECK(world.answered() == 2000);
  for (int i = 0; i < 4; ++i) CHECK(world.endpoints().asked_of(i) > 350);
  CHECK(world.attempts() == 2000);
}

TEST_CASE("endpoints die and come back: every prompt is answered, and who is back gets work again", "[simulation]") {
  WorldSettings settings = fleet(3, 12'000);
  settings.endpoints.dies_every = 10s;
  settings.endpoints.dead_for = 8s;
  SECTION("one of them always lives") { settings.endpoints.one_stays = true; }
  SECTION("all may be dead") {}
  SECTION("some die in silence") { settings.endpoints.hangs = 0.5; }
  SECTION("a limit holds for the teacher as a whole") {
    settings.provider.gateway.requests_per_minute = 1200;
    settings.provider.gateway.bucket = 1s;
    settings.processes.front().harvest.limits.requests_per_minute = 1200;
  }
  SECTION("and the power goes") { settings.processes.front().power_cut = 0.0005; }
  World world(settings, 22);
  CHECK(joined(world.run()) == "");
  CHECK(world.answered() == 12'000);
  CHECK(world.endpoints().deaths() > 5);
  for (int i = 0; i < 3; ++i) CHECK(world.endpoints().asked_of(i) > 1000);
}

TEST_CASE("a dead endpoint beside a living one costs no patience, and hardly any time", "[simulation]") {
  WorldSettings settings = fleet(2, 4000);
  settings.endpoints.dies_every = 1s;
  settings.endpoints.dead_for = std::chrono::hours(24);
  settings.endpoints.one_stays = true;
  settings.processes.front().harvest.retry.patience = 10s;
  World world(settings, 23);
  CHECK(joined(world.run()) == "");
  CHECK(world.answered() == 4000);
  CHECK(world.process(0).stops() == 0);
  CHECK(world.attempts() < 4200);
}

TEST_CASE("the checkers of endpoints catch their bugs", "[simulation]") {
  struct Nothing final : Endpoints::Victim, Actor {
    void endpoint_died(int) override {}
    void happen(std::uint32_t, std::uint64_t) override {}
  } nothing;
  Timeline timeline(World::kStart);
  Audit audit(timeline.now(), false);
  Random random(3);
  const auto pass = [&](Duration time) {
    timeline.after(time, nothing, 0);
    const Instant end = timeline.now() + time;
    while (timeline.now() < end) timeline.step();
  };
  EndpointSettings settings;
  settings.count = 2;
  settings.dies_every = 1s;
  settings.dead_for = std::chrono::hours(1);
  settings.one_stays = true;
  SECTION("a dead one is flooded") {
    Endpoints endpoints(timeline, settings, 1, random, audit, nothing);
    while (endpoints.deaths() == 0) timeline.step();
    for (int i = 0; i < 20; ++i) endpoints.asked(1);  // nobody can know yet
    pass(10s);
    for (int i = 0; i < 20; ++i) endpoints.asked(1);
    CHECK(audit.findings().empty());
    for (int i = 0; i < 20; ++i) endpoints.asked(1);
    CHECK_THAT(joined(audit.findings()), ContainsText("asked again and again"));
  }
  SECTION("one that is back is forgotten") {
    settings.dies_every = {};
    Endpoints endpoints(timeline, settings, 1, random, audit, nothing);
    endpoints.asked(1);
    for (int i = 0; i < 300; ++i) endpoints.asked(0);
    CHECK(audit.findings().empty());
    pass(2min);
    endpoints.asked(0);
    CHECK_THAT(joined(audit.findings()), ContainsText("that is back is not asked"));
  }
}
