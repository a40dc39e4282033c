// Teachers bill by token but answer by request, so one bucket is never enough. We take what we expect before sending
// and settle with the invoice afterwards; how large the buckets are, the teacher tells or shows (core/harvest/pace.h).
#pragma once

#include <exception>
#include <optional>
#include <string>
#include <utility>
#include <variant>

#include "core/base/assert.h"
#include "core/base/instant.h"
#include "core/base/units.h"
#include "core/harvest/concurrency.h"
#include "core/harvest/limits.h"
#include "core/harvest/pace.h"
#include "core/harvest/rate_signals.h"
#include "core/teacher/teacher.h"

namespace retort {

/// The right to have one request on the wire. It ends in RateLimiter::settle() and nowhere else.
class Permit {
 public:
  Permit(Permit&& other) noexcept
      : bound_(other.bound_),
        taken_(other.taken_),
        marks_(other.marks_),
        sent_(other.sent_),
        in_flight_(other.in_flight_),
        held_(std::exchange(other.held_, false)) {}
  Permit& operator=(Permit&&) = delete;
  /// While an exception takes the harvest down there is nobody left to settle with.
  ~Permit() { RETORT_ASSERT(!held_ || std::uncaught_exceptions() > 0); }

 private:
  friend class RateLimiter;
  Permit(Cost bound, Taking taken, Instant sent) : bound_(bound), taken_(taken), sent_(sent), held_(true) {}
  Cost bound_;
  Taking taken_;
  Marks marks_{};
  Instant sent_;
  int in_flight_ = 0;
  bool held_;
};

/// Arithmetic over `now`: owns no clock, starts no timer. What is about the teacher lies in the PaceState, which the
/// caller keeps locked around every call.
class RateLimiter {
 public:
  /// `pace` must outlive it.
  RateLimiter(const Limits& limits, PaceBook& pace, Instant now);
  ~RateLimiter();
  RateLimiter(const RateLimiter&) = delete;
  RateLimiter& operator=(const RateLimiter&) = delete;

  /// A permit to send at once, or the first instant worth asking again (never: only a settle() can help). `bound` is
  /// the most that the request can cost; what is taken is what such requests have cost so far.
  std::variant<Permit, Instant> acquire(Cost bound, Instant now);

  /// There is no work just now: others need not make room.
  void nothing_to_send() { own_.waits = 0; }

  /// An answer came: learns from what it was, and how long it took.
  void answered(const Permit& permit, const Cost& actual, Duration latency, Instant now);
  /// What the headers of any reply announce; `actual` as far as the reply tells.
  void announced(const Permit& permit, const std::vector<Announcement>& news, const std::optional<Cost>& actual,
                 Instant now);
  /// The teacher turned the request away. `pause`: for how long the teacher is to be left alone.
  void refused(const Permit& permit, const RateSignals& signals, Rejection::Limit limit, Duration pause, Instant now);
  /// Ends a permit. Without `actual`, what was taken stands.
  void settle(Permit permit, std::optional<Cost> actual);

  /// The teacher asked for silence: no permit before `until`. The latest wish wins if it is later.
  void hold(Instant until, const std::string& reason);
  /// End and reason of the present silence, for people. An `until` in the past means none.
  Instant held_until() const;
  std::string hold_reason() const;

  Concurrency& concurrency() { return concurrency_; }
  int in_flight() const { return in_flight_; }
  int in_flight_limit() const { return concurrency_.limit(); }
  /// What such requests take, from experience: the bound times what was used of bounds so far.
  Taking expect(const Cost& bound) const;
  /// Requests per second that the known limits allow, tokens turned into requests; zero: no limit is known.
  double requests_per_second(Instant now) const;

 private:
  struct Blame {
    Meter* meter = nullptr;  ///< none: it was one too many at once
    double amount = 1;       ///< what the refused request takes from it
    bool at_once = false;    ///< or it may have been that, too
  };
  Blame blamed(const Permit& permit, const RateSignals& signals, Rejection::Limit limit, Instant now);
  bool limit_in_use() const { return in_flight_ >= 0.8 * concurrency_.limit(); }

  const int in_flight_max_;
  PaceSlot& own_;
  PaceState& pace_;
  Concurrency concurrency_;
  int in_flight_ = 0;
  Instant episode_;  ///< requests sent before belong to a refusal that is known already
  UseOfBounds use_;
};

}  // namespace retort
