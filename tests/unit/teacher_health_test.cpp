// Whose trouble it is, and for how long it is borne.
#include "core/harvest/teacher_health.h"
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
