// One line of time for a whole world: what will happen, in order, ties in the order they were announced. Events are
// plain values, since a world has millions of them.
#pragma once

#include <cstdint>
#include <queue>
#include <vector>

#include "core/base/instant.h"

namespace retort::simulation {

/// Somebody to whom things happen. Outlives the timeline's use of it.
class Actor {
 public:
  /// `what` and `which` mean what the actor said when it asked for the event.
  virtual void happen(std::uint32_t what, std::uint64_t which) = 0;

 protected:
  ~Actor() = default;
};

class Timeline {
 public:
  explicit Timeline(Instant start) : now_(start) {}

  /// A reference that stays good and current.
  const Instant& now() const { return now_; }
  /// In the past means now. Never means never.
  void at(Instant when, Actor& actor, std::uint32_t what, std::uint64_t which = 0) {
    if (when.is_never()) return;
    agenda_.push({when < now_ ? now_ : when, order_++, &actor, what, which});
  }
  void after(Duration delay, Actor& actor, std::uint32_t what, std::uint64_t which = 0) {
    at(now_ + delay, actor, what, which);
  }

  bool empty() const { return agenda_.empty(); }
  Instant next() const { return agenda_.empty() ? Instant::never() : agenda_.top().when; }
  /// Lets the next thing happen.
  void step() {
    const Event event = agenda_.top();
    agenda_.pop();
    now_ = event.when;
    ++events_;
    event.actor->happen(event.what, event.which);
  }
  std::int64_t events() const { return events_; }

 private:
  struct Event {
    Instant when;
    std::uint64_t order;
    Actor* actor;
    std::uint32_t what;
    std::uint64_t which;
    bool operator<(const Event& other) const {  // the earliest on top
      return when != other.when ? when > other.when : order > other.order;
    }
  };
  Instant now_;
  std::uint64_t order_ = 0;
  std::int64_t events_ = 0;
  std::priority_queue<Event> agenda_;
};

}  // namespace retort::simulation
