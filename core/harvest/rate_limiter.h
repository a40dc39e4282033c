// Teachers bill by token but answer by request, so one bucket is never enough. We reserve an estimate first and
// settle with the invoice afterwards.
#pragma once

#include <exception>
#include <optional>
#include <string>
#include <utility>
#include <variant>

#include "core/base/assert.h"
#include "core/base/instant.h"
#include "core/base/units.h"

namespace retort {

/// What the teacher allows. Zero: no such limit is known.
struct Limits {
  double requests_per_minute = 0;
  double tokens_per_minute = 0;
  /// Requests on the wire, or answered and not yet on disk. More helps only while the teacher is slow.
  int in_flight_max = 32;
  /// How much of a limit may be used in one go: one second's worth, since providers enforce a limit per minute in
  /// windows as short as that.
  Duration burst = std::chrono::seconds(1);
};

/// The right to have one request on the wire. It ends in RateLimiter::settle() and nowhere else.
class Permit {
 public:
  Permit(Permit&& other) noexcept : estimate_(other.estimate_), held_(std::exchange(other.held_, false)) {}
  Permit& operator=(Permit&& other) noexcept {
    RETORT_ASSERT(!held_);
    estimate_ = other.estimate_;
    held_ = std::exchange(other.held_, false);
    return *this;
  }
  /// While an exception takes the harvest down there is nobody left to settle with.
  ~Permit() { RETORT_ASSERT(!held_ || std::uncaught_exceptions() > 0); }

 private:
  friend class RateLimiter;
  explicit Permit(Cost estimate) : estimate_(estimate), held_(true) {}
  Cost estimate_;
  bool held_;
};

/// Fills at a constant rate up to a capacity and may be overdrawn: a request larger than the bucket is admitted when
/// the bucket is full and leaves a debt, so that the rate holds in the long run.
class Bucket {
 public:
  /// `per_minute` of zero means no limit.
  Bucket(double per_minute, Duration burst, Instant now);
  /// Now, or when there will be enough.
  Instant ready_at(double amount, Instant now) const;
  void take(double amount, Instant now);
  void give_back(double amount) { level_ += amount; }

 private:
  void fill(Instant now);
  double per_second_;
  double capacity_;
  double level_;
  Instant filled_at_;
};

/// Arithmetic over `now`: owns no clock, starts no timer, takes no lock.
class RateLimiter {
 public:
  RateLimiter(Limits limits, Instant now);

  /// A permit to send at once, or the first instant worth asking again (never: only a settle() can help).
  std::variant<Permit, Instant> acquire(Cost estimate, Instant now);
  /// Ends a permit, correcting the estimate by what was used; without a figure the estimate stands.
  void settle(Permit permit, std::optional<Cost> actual);

  /// The teacher asked for silence: no permit before `until`. The latest wish wins if it is later.
  void hold(Instant until, std::string reason);
  /// End and reason of the present silence, for people. An `until` in the past means none.
  Instant held_until() const { return held_until_; }
  const std::string& hold_reason() const { return hold_reason_; }

  /// What the teacher makes of our number in flight: additive increase, multiplicative decrease (Chiu and Jain, 1989),
  /// up to in_flight_max. A refusal cuts once for all requests that were under way together.
  void answered();
  void refused(Instant sent, Instant now);

  int in_flight() const { return in_flight_; }
  const Limits& limits() const { return limits_; }

 private:
  Limits limits_;
  Bucket requests_;
  Bucket tokens_;
  int in_flight_ = 0;
  double window_;         ///< requests that may be in flight now
  Instant window_cut_{};  ///< requests sent before were admitted under a larger window
  Instant held_until_;
  std::string hold_reason_;
};

}  // namespace retort
