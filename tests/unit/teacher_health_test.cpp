// Whose trouble it is, and for how long it is borne.
#include "core/harvest/teacher_health.h"

#include "core/harvest/teacher_watch.h"
#include "tests/catch.h"

using namespace retort;

namespace {
constexpr Instant kStart{1'000'000'000'000};
}

TEST_CASE("ten failures in a row, and no answer between, are the teacher's") {
  TeacherHealth health(10min);
  for (int i = 0; i < 9; ++i) CHECK_FALSE(health.trouble(Trouble::failing, kStart, kStart));
  CHECK_FALSE(health.down());
  CHECK(health.trouble(Trouble::failing, kStart, kStart));
  CHECK(health.down());
  health.alive();
  CHECK_FALSE(health.down());
  for (int i = 0; i < 9; ++i) health.trouble(Trouble::failing, kStart, kStart);
  health.alive();
  health.trouble(Trouble::failing, kStart, kStart);
  CHECK_FALSE(health.down());
}

TEST_CASE("patience: half a minute for a teacher never reached, more later, and not while it asked to wait") {
  TeacherHealth health(10min);
  health.trouble(Trouble::unreachable, kStart, kStart);
  CHECK_FALSE(health.beyond_patience(kStart + 30s));
  CHECK(health.beyond_patience(kStart + 31s) == Duration(30s));
  health.alive();
  CHECK_FALSE(health.beyond_patience(kStart + 1h));
  health.trouble(Trouble::refusal, kStart, kStart);
  CHECK_FALSE(health.down());  // it is there
  health.asked_to_wait(5min);
  CHECK_FALSE(health.beyond_patience(kStart + 15min));
  CHECK(health.beyond_patience(kStart + 15min + 1s) == Duration(10min));
}

TEST_CASE("requests that were under way together are one round of trouble") {
  TeacherHealth health(10min);
  for (int i = 0; i < 5; ++i) health.trouble(Trouble::unreachable, kStart, kStart + 1s);
  CHECK(health.rounds() == 1);
  health.trouble(Trouble::unreachable, kStart + 2s, kStart + 3s);
  CHECK(health.rounds() == 2);
}

TEST_CASE("a server that comes and goes is told of now and then, not each time") {
  struct Listener final : HarvestObserver {
    std::vector<std::string> lines;
    Instant progress(const HarvestStats&, Instant) override { return Instant::never(); }
    void notice(const std::string& line) override { lines.push_back(line); }
  } listener;
  PrivatePace pace;
  RateLimiter limiter(Limits{}, pace, kStart);
  const RetrySettings settings;
  Random random(1);
  HarvestStats stats;
  TeacherWatch watch(settings, limiter, listener, random, stats);
  auto admission = limiter.acquire({}, kStart);
  Permit& permit = std::get<Permit>(admission);
  const AttemptFacts gone{NetFault::connect, "refused", false, {}, {}};
  for (int second = 0; second < 65; ++second) {
    const Instant now = kStart + std::chrono::seconds(second);
    watch.heard(gone, judge(gone, {}, settings, random), permit, now, now);
    watch.heard({}, {}, permit, now, now);  // an answer
  }
  CHECK(listener.lines == std::vector<std::string>(3, "no answers: refused; trying again"));
  limiter.settle(std::move(permit), {});
}
