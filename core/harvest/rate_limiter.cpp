#include "core/harvest/rate_limiter.h"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace retort {
namespace {

constexpr double kMemory = 0.99;
// Before any answer: half of the input bound (a token is rarely a single byte) and of the answer's.
constexpr double kFirstGuess = 0.5;

double share(double used, double bound) { return bound > 0 ? std::clamp(used / bound, 1e-4, 4.0) : kFirstGuess; }

void configure(Meter& meter, double amount, double seconds, Instant now) {
  const bool is_new = meter.filled_at.ns == 0;
  meter.configured = amount / seconds;
  // A day's allowance may be used in one go; a minute's not: it may be enforced by the second.
  if (seconds > 3600 && amount > 0) meter.capacity = amount;
  if (!is_new) return;
  meter.level = meter.capacity > 0 ? meter.capacity : 1e18;  // full; fill() cuts it to the bucket
  meter.filled_at = now - Duration(1);
  meter.fill(now);
}

}  // namespace

RateLimiter::RateLimiter(const Limits& limits, PaceBook& pace, Instant now)
    : in_flight_max_(limits.in_flight_max),
      own_(pace.own_slot()),
      pace_(pace.state()),
      concurrency_(limits.in_flight_max) {
  RETORT_ASSERT(limits.in_flight_max > 0);
  constexpr double kMinute = 60, kDay = 86400;
  configure(pace_.at(MeterKind::requests), limits.requests_per_minute, kMinute, now);
  configure(pace_.at(MeterKind::tokens), limits.tokens_per_minute, kMinute, now);
  configure(pace_.at(MeterKind::input_tokens), limits.input_tokens_per_minute, kMinute, now);
  configure(pace_.at(MeterKind::output_tokens), limits.output_tokens_per_minute, kMinute, now);
  configure(pace_.at(MeterKind::requests_per_day), limits.requests_per_day, kDay, now);
  configure(pace_.at(MeterKind::tokens_per_day), limits.tokens_per_day, kDay, now);
  // These prompts may be others than the last: a hint that a few answers outweigh.
  constexpr double kHint = 0.05;
  const UseOfBounds& last = pace_.use;
  use_ = {kHint * last.input_bound, kHint * last.input_used, kHint * last.output_bound, kHint * last.output_used};
}

RateLimiter::~RateLimiter() {
  own_.in_flight = 0;
  own_.waits = 0;
}

Taking RateLimiter::expect(const Cost& bound) const {
  Taking taking;
  taking.input = static_cast<double>(bound.input) * share(use_.input_used, use_.input_bound);
  taking.output = static_cast<double>(bound.output) * share(use_.output_used, use_.output_bound);
  return taking;
}

std::variant<Permit, Instant> RateLimiter::acquire(Cost bound, Instant now) {
  if (in_flight_ >= concurrency_.limit()) return Instant::never();
  // Others may leave room at any time, and cannot wake us. Who has less than its share goes first: a process that comes
  // later would wait for ever otherwise.
  constexpr Duration kLookAgain = 50ms;
  const int all = pace_.in_flight();
  const bool below_share = in_flight_ < pace_.share_of(in_flight_max_);
  if (all >= in_flight_max_) {
    own_.waits = below_share ? 1 : 0;
    return all == in_flight_ ? Instant::never() : now + kLookAgain;
  }
  if (!below_share && pace_.others_wait(own_)) return now + kLookAgain;
  if (all == 0) {
    for (Meter& meter : pace_.meters) meter.nothing_under_way();
  }
  const Taking taking = expect(bound);
  Instant ready = pace_.held_until;
  for (std::size_t i = 0; i < kMeters; ++i) {
    ready = std::max(ready, pace_.meters[i].ready_at(taking.of(static_cast<MeterKind>(i)), now));
  }
  // Where others ask too, a debt may be lifted before it is paid.
  constexpr Duration kLookAgainAtDebts = 1s;
  if (ready > now) return pace_.held_until > now ? ready : std::min(ready, now + kLookAgainAtDebts);
  Permit permit(bound, taking, now);
  for (std::size_t i = 0; i < kMeters; ++i) {
    Meter& meter = pace_.meters[i];
    const double before = meter.taken;
    meter.take(taking.of(static_cast<MeterKind>(i)), now);
    permit.marks_[i] = {meter.taken, meter.expected, meter.taken - before};
  }
  own_.waits = 0;
  permit.in_flight_ = own_.in_flight = ++in_flight_;
  return permit;
}

void RateLimiter::answered(const Permit& permit, const Cost& actual, Duration latency, Instant now) {
  use_.input_bound = kMemory * use_.input_bound + static_cast<double>(permit.bound_.input);
  use_.input_used = kMemory * use_.input_used + static_cast<double>(actual.input);
  use_.output_bound = kMemory * use_.output_bound + static_cast<double>(permit.bound_.output);
  use_.output_used = kMemory * use_.output_used + static_cast<double>(actual.output);
  pace_.use = use_;
  concurrency_.answered({permit.sent_, latency, static_cast<double>(actual.output), permit.in_flight_, limit_in_use()},
                        now);
}

void RateLimiter::announced(const Permit& permit, const std::vector<Announcement>& news,
                            const std::optional<Cost>& actual, Instant now) {
  Taking own = permit.taken_;
  if (actual) own = {1, static_cast<double>(actual->input), static_cast<double>(actual->output)};
  for (const Announcement& one : news) {
    const auto i = static_cast<std::size_t>(one.kind);
    learn_announced(pace_.meters[i], one, permit.marks_[i], permit.sent_, own.of(one.kind), now);
  }
}

// The meter that the refusal is about: the one that the reply names, or shows to be empty, else the one that is nearest
// to it. None where the known meters have plenty: then it was one request too many at once.
RateLimiter::Blame RateLimiter::blamed(const Permit& permit, const RateSignals& signals, Rejection::Limit limit,
                                       Instant now) {
  if (limit != Rejection::Limit::unknown) {
    const MeterKind kind = limit == Rejection::Limit::tokens ? MeterKind::tokens : MeterKind::requests;
    return {&pace_.at(kind), permit.taken_.of(kind)};
  }
  Blame nearest;
  double least = 1e300;
  const auto consider = [&](MeterKind kind, double fullness) {
    if (fullness >= least) return;
    least = fullness;
    nearest = {&pace_.at(kind), permit.taken_.of(kind)};
  };
  bool told = false;
  for (const Announcement& one : signals.announced) {
    if (!one.remaining) continue;
    told = true;
    const double needed = permit.taken_.of(one.kind) * pace_.at(one.kind).charge;
    if (*one.remaining < 1.2 * needed + 1) consider(one.kind, *one.remaining / std::max(needed, 1.0));
  }
  if (told) return nearest.meter ? nearest : Blame{nullptr, 1, true};
  for (std::size_t i = 0; i < kMeters; ++i) {
    Meter& meter = pace_.meters[i];
    if (!meter.known()) continue;
    meter.fill(now);
    consider(static_cast<MeterKind>(i), meter.level / meter.bucket(now));
  }
  // Nothing is known: a limit of requests stands for all.
  if (!nearest.meter) return {&pace_.at(MeterKind::requests), 1, true};
  constexpr double kPlenty = 0.6;
  nearest.at_once = least > kPlenty;
  if (nearest.at_once && nearest.meter->measured <= 0) nearest.meter = nullptr;
  return nearest;
}

void RateLimiter::refused(const Permit& permit, const RateSignals& signals, Rejection::Limit limit, Duration pause,
                          Instant now) {
  for (Meter& meter : pace_.meters) meter.refused_sent = std::max(meter.refused_sent, permit.sent_);
  if (permit.sent_ < episode_) return;
  episode_ = now;
  // For a round trip others that were under way may come back refused: until then nothing new is sent.
  constexpr Duration kRoundTripMost = 5s;  // more was a suspended machine
  pace_.held_until = std::max(pace_.held_until, now + std::min<Duration>(now - permit.sent_, kRoundTripMost));
  const Blame blame = blamed(permit, signals, limit, now);
  if (blame.meter) learn_refused(*blame.meter, blame.amount, pause, now);
  if (blame.at_once) concurrency_.refused(permit.sent_, in_flight_, now);
}

void RateLimiter::settle(Permit permit, std::optional<Cost> actual) {
  RETORT_ASSERT(permit.held_ && in_flight_ > 0);
  permit.held_ = false;
  own_.in_flight = --in_flight_;
  if (!actual) return;
  Taking used;
  used.input = static_cast<double>(actual->input);
  used.output = static_cast<double>(actual->output);
  const bool refused = actual->total() == 0;
  for (std::size_t i = 0; i < kMeters; ++i) {
    const auto kind = static_cast<MeterKind>(i);
    Meter& meter = pace_.meters[i];
    // A teacher that announces what remains settles by itself, and charges a refusal or does not.
    if (refused) {
      meter.turn_away(permit.taken_.of(kind));
    } else if (!meter.mirrors()) {
      meter.give_back(permit.taken_.of(kind) - used.of(kind), permit.sent_);
    } else if (permit.marks_[i].taken > meter.announced_taken) {
      meter.correct(permit.marks_[i].own - used.of(kind) * meter.charge);
    }
  }
}

void RateLimiter::hold(Instant until, const std::string& reason) {
  if (until <= pace_.held_until) return;
  pace_.held_until = until;
  const std::size_t size = std::min(reason.size(), pace_.hold_reason.size() - 1);
  std::memcpy(pace_.hold_reason.data(), reason.data(), size);
  pace_.hold_reason[size] = '\0';
}

Instant RateLimiter::held_until() const { return pace_.held_until; }

std::string RateLimiter::hold_reason() const { return pace_.hold_reason.data(); }

double RateLimiter::requests_per_second(Instant now) const {
  double least = 0;
  const double tokens = use_.input_bound + use_.output_bound > 0 ? 1 : 0;
  const double answers = tokens > 0 ? (1 - kMemory) : 0;  // the sums' weight of one answer, once they are full
  for (std::size_t i = 0; i < kMeters; ++i) {
    const auto kind = static_cast<MeterKind>(i);
    double rate = pace_.meters[i].rate(now);
    if (rate <= 0) continue;
    if (kind != MeterKind::requests && kind != MeterKind::requests_per_day) {
      if (answers <= 0) continue;
      Taking mean;
      mean.input = use_.input_used * answers;
      mean.output = use_.output_used * answers;
      rate /= std::max(mean.of(kind) * pace_.meters[i].charge, 1.0);
    }
    least = least > 0 ? std::min(least, rate) : rate;
  }
  return least;
}

}  // namespace retort
