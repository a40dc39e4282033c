// Caps hold before anything is sent, and over what nobody ever learns.
#include "core/harvest/budget.h"
#include "tests/catch.h"

using namespace retort;

namespace {
constexpr Cost kTenCents{100, 100, {100'000'000'000}};
}

TEST_CASE("a cap on money holds with many under way, and waits for what may be given back") {
  Caps caps;
  caps.money = Usd::from_dollars(1);
  Budget budget(caps, {});
  for (int i = 0; i < 10; ++i) REQUIRE(budget.reserve(kTenCents) == Budget::Grant::granted);
  CHECK(budget.reserve(kTenCents) == Budget::Grant::later);
  budget.settle(kTenCents, Cost{10, 10, {1'000'000'000}}, true);  // a cent instead of ten
  CHECK(budget.reserve(kTenCents) == Budget::Grant::later);       // nine cents are not enough
  for (int i = 0; i < 9; ++i) budget.settle(kTenCents, Cost{}, false);
  CHECK(budget.reserve(kTenCents) == Budget::Grant::granted);
}

TEST_CASE("what nobody knows the cost of counts in full, and earlier runs count too") {
  Caps caps;
  caps.money = Usd::from_dollars(1);
  Budget budget(caps, {7, 1000, Usd::from_dollars(0.85)});
  REQUIRE(budget.reserve(kTenCents) == Budget::Grant::granted);
  budget.settle(kTenCents, {}, true);
  CHECK(budget.reserve(kTenCents) == Budget::Grant::exhausted);
  CHECK_THAT(budget.reached(), ContainsText("--max-usd"));
}

TEST_CASE("an answer beyond its bound makes later bounds count for more") {
  Caps caps;
  caps.tokens = 1000;
  Budget budget(caps, {});
  REQUIRE(budget.reserve(kTenCents) == Budget::Grant::granted);
  budget.settle(kTenCents, Cost{200, 200, {}}, true);  // 400 of a bound of 200
  REQUIRE(budget.reserve(kTenCents) == Budget::Grant::granted);
  CHECK(budget.reserve(kTenCents) == Budget::Grant::later);  // 400 + 2 x 400 would be beyond 1,000
}

TEST_CASE("requests and time are caps as well") {
  Caps caps;
  caps.requests = 2;
  caps.until = WallTime{1000};
  Budget budget(caps, {1, 0, {}});
  CHECK(budget.reserve(kTenCents) == Budget::Grant::granted);
  CHECK(budget.reserve(kTenCents) == Budget::Grant::later);
  budget.settle(kTenCents, Cost{}, false);  // refused: no request
  CHECK(budget.reserve(kTenCents) == Budget::Grant::granted);
  budget.settle(kTenCents, Cost{1, 1, {}}, true);
  CHECK(budget.reserve(kTenCents) == Budget::Grant::exhausted);
  CHECK_FALSE(budget.time_is_up({999}));
  CHECK(budget.time_is_up({1000}));
}
