// One bound for all response bytes: beyond it reading pauses, but never for all.
#include "core/harvest/reading_budget.h"

#include <set>

#include "tests/catch.h"

using namespace retort;

namespace {

class PauseBook final : public Transport {
 public:
  std::set<std::uint64_t> paused;
  void submit(ExchangeId, HttpRequest) override {}
  void cancel(ExchangeId) override {}
  void pause(ExchangeId id, bool pauses) override {
    if (pauses) {
      paused.insert(id.value);
    } else {
      paused.erase(id.value);
    }
  }
  std::span<NetEvent> wait(Instant) override { return {}; }
  void wake() noexcept override {}
};

}  // namespace

TEST_CASE("beyond the bound one goes on reading, and an end lets the next") {
  PauseBook wire;
  ReadingBudget budget(wire, 1000);
  budget.arrived({1}, 400);
  budget.arrived({2}, 400);
  CHECK(wire.paused.empty());
  budget.arrived({3}, 400);
  CHECK(budget.full());
  CHECK(wire.paused.empty());  // the first beyond is the one that goes on
  budget.arrived({1}, 10);
  budget.arrived({2}, 10);
  CHECK(wire.paused == std::set<std::uint64_t>{1, 2});
  budget.ended({3});
  CHECK(wire.paused == std::set<std::uint64_t>{1, 2});  // its bytes will make room when they are on disk
  budget.released(400);
  CHECK(wire.paused.size() == 1);  // still above three quarters: one more may end
  budget.ended({1});
  budget.released(410);
  CHECK(wire.paused.empty());
  CHECK(budget.held() == 410);
}
