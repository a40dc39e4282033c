#include "core/harvest/rate_limiter.h"

#include <algorithm>
#include <cmath>

namespace retort {

Bucket::Bucket(double per_minute, Duration burst, Instant now)
    : per_second_(per_minute / 60),
      capacity_(std::max(1.0, per_second_ * seconds(burst))),
      level_(capacity_),
      filled_at_(now) {}

void Bucket::fill(Instant now) {
  if (now <= filled_at_) return;
  level_ = std::min(capacity_, level_ + per_second_ * seconds(now - filled_at_));
  filled_at_ = now;
}

Instant Bucket::ready_at(double amount, Instant now) const {
  if (per_second_ <= 0) return now;
  Bucket filled = *this;
  filled.fill(now);
  const double missing = std::min(amount, capacity_) - filled.level_;
  if (missing <= 0) return now;
  // Rounded up, so that asking again at that instant succeeds.
  return now + Duration(static_cast<std::int64_t>(std::ceil(missing / per_second_ * 1e9)) + 1);
}

void Bucket::take(double amount, Instant now) {
  fill(now);
  level_ -= amount;
}

RateLimiter::RateLimiter(Limits limits, Instant now)
    : limits_(limits),
      requests_(limits.requests_per_minute, limits.burst, now),
      tokens_(limits.tokens_per_minute, limits.burst, now),
      window_(limits.in_flight_max),
      held_until_(now) {
  RETORT_ASSERT(limits.in_flight_max > 0);
}

std::variant<Permit, Instant> RateLimiter::acquire(Cost estimate, Instant now) {
  if (in_flight_ >= static_cast<int>(window_)) return Instant::never();
  const auto tokens = static_cast<double>(estimate.total());
  const Instant ready = std::max({held_until_, requests_.ready_at(1, now), tokens_.ready_at(tokens, now)});
  if (ready > now) return ready;
  requests_.take(1, now);
  tokens_.take(tokens, now);
  ++in_flight_;
  return Permit(estimate);
}

void RateLimiter::settle(Permit permit, std::optional<Cost> actual) {
  RETORT_ASSERT(permit.held_ && in_flight_ > 0);
  permit.held_ = false;
  --in_flight_;
  if (actual) tokens_.give_back(static_cast<double>(permit.estimate_.total() - actual->total()));
}

void RateLimiter::answered() { window_ = std::min<double>(limits_.in_flight_max, window_ + 1 / window_); }

void RateLimiter::refused(Instant sent, Instant now) {
  if (sent < window_cut_) return;
  constexpr double kCut = 0.7;
  window_ = std::max(1.0, window_ * kCut);
  window_cut_ = now;
}

void RateLimiter::hold(Instant until, std::string reason) {
  if (until <= held_until_) return;
  held_until_ = until;
  hold_reason_ = std::move(reason);
}

}  // namespace retort
