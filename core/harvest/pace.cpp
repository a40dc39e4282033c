#include "core/harvest/pace.h"

#include <algorithm>
#include <cmath>

namespace retort {
namespace {

// Until a capacity is learned: so many seconds' worth may be used in one go.
constexpr double kBurstSeconds = 0.7;
// A measured rate is probed upwards, faster and faster, so that one that was measured too low, or a limit that was
// raised, is found out: by 2 % after so many seconds, four times that after twice as many, ... Each measurement that
// agrees with the one before makes it slower.
constexpr double kProbe = 0.02;
constexpr double kProbeSecondsMin = 6, kProbeSecondsMax = 60;
constexpr double kProbeSlower = 2;
constexpr double kAgrees = 0.1;
constexpr double kBetweenMin = 0.5, kBetweenLong = 30;  // seconds between two refusals that make a measurement,
constexpr double kBetweenExact = 40;                    // and that make one which counts alone
constexpr double kAdmittedMin = 8;                      // requests between them
constexpr double kMostAbove = 1.05;
constexpr Duration kRest = 10s;  // without a request, though one was allowed
// Kept in the teacher's bucket: it costs nothing in the long run, and jitter then draws no refusals.
constexpr double kReserveSeconds = 0.5;
constexpr double kReserveOfCapacity = 0.4;
constexpr double kReserveAfterRefusalSeconds = 0.4;
constexpr double kChargeMost = 5;
constexpr double kMemory = 0.98;  // of the fading sums, for each announcement

}  // namespace

const char* word(MeterKind kind) {
  switch (kind) {
    case MeterKind::requests:
      return "requests per minute";
    case MeterKind::tokens:
      return "tokens per minute";
    case MeterKind::input_tokens:
      return "input tokens per minute";
    case MeterKind::output_tokens:
      return "output tokens per minute";
    case MeterKind::requests_per_day:
      return "requests per day";
    case MeterKind::tokens_per_day:
      return "tokens per day";
  }
  return "";
}

double Taking::of(MeterKind kind) const {
  switch (kind) {
    case MeterKind::requests:
    case MeterKind::requests_per_day:
      return requests;
    case MeterKind::input_tokens:
      return input;
    case MeterKind::output_tokens:
      return output;
    case MeterKind::tokens:
    case MeterKind::tokens_per_day:
      return input + output;
  }
  return 0;
}

int PaceState::in_flight() const {
  int total = 0;
  for (const PaceSlot& slot : slots) total += slot.in_flight;
  return total;
}

int PaceState::share_of(int all) const {
  const auto busy = std::count_if(slots.begin(), slots.end(), [](const PaceSlot& slot) {
    return slot.pid != 0 || slot.in_flight > 0 || slot.waits != 0;
  });
  return std::max(1, all / std::max(1, static_cast<int>(busy)));
}

bool PaceState::others_wait(const PaceSlot& own) const {
  return std::any_of(slots.begin(), slots.end(),
                     [&](const PaceSlot& slot) { return &slot != &own && slot.waits != 0; });
}

double Meter::rate(Instant now) const {
  // Who says so all the time knows best.
  if (announced > 0) return configured > 0 ? std::min(configured, announced) : announced;
  if (measured <= 0) return configured;
  const double since = std::max(0.0, seconds(now - refused_at)) / std::max(probe_seconds, kProbeSecondsMin);
  const double probed = measured * (1 + kProbe * since * since);
  return configured > 0 ? std::min(configured, probed) : probed;
}

double Meter::bucket(Instant now) const { return capacity > 0 ? capacity : std::max(1.0, rate(now) * kBurstSeconds); }

void Meter::fill(Instant now) {
  if (now <= filled_at) return;
  const double per_second = rate(now);
  level = std::min(bucket(now), level + per_second * seconds(now - filled_at));
  if (full_at.ns != 0 && now >= full_at) {
    level = std::max(level, bucket(now) - (taken - announced_taken));
    full_at = {};
  }
  filled_at = now;
}

Instant Meter::ready_at(double amount, Instant now) const {
  const double per_second = rate(now);
  if (per_second <= 0) return now;
  Meter filled = *this;
  filled.fill(now);
  const double most = bucket(now);
  const double reserve = mirrors() ? std::min(kReserveSeconds * per_second, kReserveOfCapacity * most) : 0;
  // What exceeds the bucket is taken from a full one and leaves a debt.
  const double needed = std::min(amount * charge + reserve, most);
  const double missing = needed - filled.level;
  if (missing <= 0) return now;
  // Rounded up, so that asking again at that instant succeeds.
  const Instant filled_again =
      now + Duration(static_cast<std::int64_t>(std::ceil(std::min(missing / per_second, 1e6) * 1e9)) + 1);
  const bool full_is_enough = full_at > now && most - (taken - announced_taken) >= needed;
  return full_is_enough ? std::min(filled_again, full_at) : filled_again;
}

void Meter::take(double amount, Instant now) {
  if (refusing_since.ns != 0) {
    const double admitted = taken - turned_away;
    const double between = seconds(refusing_since - refused_at);
    // A few requests measure nothing, unless that is all there is in a long time.
    const bool enough = (between >= kBetweenMin && admitted - refused_admitted >= kAdmittedMin * amount * charge) ||
                        between >= kBetweenLong;
    // What was admitted before the first refusal came from a bucket of unknown size, and tells nothing.
    if (refused_at.ns != 0 && enough && !rested) {
      const double seen = std::max(admitted - refused_admitted, amount * charge) / between;
      // What flowed over while less was sent is missing in it; what was sent at the end was too much. Between the two:
      const double likely = std::clamp(rate(refusing_since), seen, kMostAbove * seen);
      // The longer the time between, the more exact; the first of all is better than nothing.
      const double weight = std::clamp(between / kBetweenExact, 1.0 / ++refusals, 1.0);
      const bool agrees = std::abs(likely - measured) < kAgrees * measured;
      probe_seconds = agrees ? std::min(probe_seconds * kProbeSlower, kProbeSecondsMax) : kProbeSecondsMin;
      measured += weight * (likely - measured);
    }
    if (refused_at.ns == 0 || enough || rested) {
      refused_at = refusing_since;
      refused_admitted = admitted;
      rested = false;
    }
    refusing_since = {};
  }
  if (now - std::max(taken_at, ready_at(amount, taken_at)) > kRest) rested = true;
  taken_at = now;
  fill(now);
  if (rate(now) > 0) level -= amount * charge;  // no debt with a meter that nobody knows
  taken += amount * charge;
  expected += amount;
}

void Meter::give_back(double amount, Instant sent) {
  level += amount * charge;
  taken -= amount * charge;
  expected -= amount;
  if (sent <= announced_sent) {
    announced_taken -= amount * charge;
    announced_expected -= amount;
  }
  if (sent <= refused_at) refused_admitted -= amount * charge;
}

void Meter::correct(double excess) {
  level += excess;
  announced_taken += excess;
}

void Meter::turn_away(double amount) { turned_away += amount * charge; }

void Meter::nothing_under_way() {
  if (!mirrors() || taken <= announced_taken) return;
  level = std::max(level, 0.0);  // a teacher lets nobody run up a debt
  announced_taken = taken;
  refused_sent = std::max(refused_sent, announced_sent);  // it is not known what these were charged
}

namespace {

// Some announce the size of their bucket as the limit, others what they give in a minute, whatever the bucket. With the
// latter, what remains and what comes until the reset make up all that was ever seen.
void learn_rate(Meter& meter, const Announcement& news) {
  const bool by_day = news.kind == MeterKind::requests_per_day || news.kind == MeterKind::tokens_per_day;
  constexpr double kMinute = 60, kDay = 86400;
  const double steady = *news.limit / (by_day ? kDay : kMinute);
  const double full = *news.remaining + steady * seconds(news.reset.value_or(Duration::max()));
  if (meter.capacity < 0.5 * *news.limit && meter.capacity < 1.1 * full) {
    meter.announced = steady;
    meter.used_sum = meter.reset_sum = 0;
    return;
  }
  if (!news.reset || *news.reset <= Duration::zero()) return;
  const double used = *news.limit - *news.remaining;
  // Near the brim a rounded remainder says little about the rate.
  if (used < std::max(2.0, 0.02 * *news.limit)) return;
  meter.used_sum = kMemory * meter.used_sum + used;
  meter.reset_sum = kMemory * meter.reset_sum + seconds(*news.reset);
  meter.announced = meter.used_sum / meter.reset_sum;
}

}  // namespace

void learn_announced(Meter& meter, const Announcement& news, MeterMark mark, Instant sent, double own_amount,
                     Instant now) {
  if (!news.remaining || *news.remaining < 0) return;
  const bool counts_tokens = news.kind != MeterKind::requests && news.kind != MeterKind::requests_per_day;
  meter.fill(now);
  meter.capacity = std::max({meter.capacity, meter.bucket(now), *news.remaining + own_amount});
  if (news.limit && *news.limit > 0) {
    meter.capacity = std::min(meter.capacity, *news.limit);
    learn_rate(meter, news);
  }
  // Replies overtake each other: only the one to the newest request tells something new.
  if (meter.mirrors() && sent < meter.announced_sent) return;
  const double per_second = meter.rate(now);
  if (meter.mirrors() && counts_tokens && per_second > 0) {
    const double refilled = per_second * seconds(sent - meter.announced_sent);
    const double charged = meter.announced_remaining - *news.remaining + refilled;
    const double expected = mark.expected - meter.announced_expected;
    // A bucket that was full in between has lost what flowed over, and one that is empty cannot show what is charged.
    const bool brimmed = meter.announced_remaining + refilled > 0.95 * meter.capacity;
    const bool empty = std::min(*news.remaining, meter.announced_remaining) < own_amount;
    // Nor is it known what a refused one was charged.
    const bool refused = meter.refused_sent >= meter.announced_sent;
    if (expected > 0 && charged > 0 && !brimmed && !empty && !refused) {
      meter.charged_sum = kMemory * meter.charged_sum + charged;
      meter.expected_sum = kMemory * meter.expected_sum + expected;
      if (meter.expected_sum > 20 * own_amount)
        meter.charge = std::clamp(meter.charged_sum / meter.expected_sum, 1 / kChargeMost, kChargeMost);
    }
  }
  const double since = meter.taken - mark.taken;
  meter.level = std::min(meter.capacity, *news.remaining + per_second * seconds(now - sent) - since);
  meter.full_at = news.reset ? now + *news.reset : Instant{};
  meter.announced_sent = sent;
  meter.announced_remaining = *news.remaining;
  meter.announced_taken = mark.taken;
  meter.announced_expected = mark.expected;
}

void learn_refused(Meter& meter, double amount, Duration pause, Instant now) {
  meter.fill(now);
  if (meter.refusing_since.ns == 0) meter.refusing_since = now;
  // At the end of the pause there is just enough for the refused one; where the pause is in whole seconds there is
  // more, of which the most is used.
  const double rate = meter.rate(now);
  const bool whole = pause.count() % 1'000'000'000 == 0;
  const double spare = whole ? 0.75 * std::min(seconds(pause), 1.0) : 0;
  const double level = amount * meter.charge + rate * (spare - kReserveAfterRefusalSeconds - seconds(pause));
  meter.level = std::min(meter.level, level);
  // It took more than we thought.
  if (meter.mirrors() && meter.expected_sum > 0) {
    constexpr double kMore = 1.05;
    meter.charged_sum *= kMore;
    meter.charge = std::min(meter.charge * kMore, kChargeMost);
  }
}

}  // namespace retort
