// What a served teacher allows per minute: a bucket that refills steadily. Arithmetic over `now`; it owns no clock and
// no lock.
#pragma once

#include <algorithm>
#include <optional>

#include "core/base/instant.h"

namespace retort {

class Allowance {
 public:
  /// `burst`: how much may be taken at once after a rest. At least one unit.
  Allowance(double per_minute, double burst, Instant now)
      : per_second_(per_minute / 60), burst_(std::max(burst, 1.0)), level_(burst_), at_(now) {}

  /// How long until `amount` may be taken; zero if now. What exceeds the burst is allowed when the bucket is full.
  Duration wait_for(double amount, Instant now) {
    refill(now);
    const double missing = std::min(amount, burst_) - level_;
    return missing <= 0 ? Duration::zero() : from_seconds(missing / per_second_);
  }
  /// May go below zero, which the next one then waits for.
  void take(double amount, Instant now) {
    refill(now);
    level_ -= amount;
  }
  double remaining(Instant now) {
    refill(now);
    return std::max(level_, 0.0);
  }
  /// Until the bucket is full again.
  Duration until_full(Instant now) {
    refill(now);
    return from_seconds((burst_ - level_) / per_second_);
  }

 private:
  void refill(Instant now) {
    if (now <= at_) return;
    level_ = std::min(burst_, level_ + per_second_ * seconds(now - at_));
    at_ = now;
  }

  double per_second_;
  double burst_;
  double level_;
  Instant at_;
};

}  // namespace retort
