// What is known about one teacher's allowance, learned from what it announces, what it refuses and what it bills.
// Plain data, so that every process of a machine that asks this teacher can share it through a mapped file.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <type_traits>

#include "core/base/instant.h"

namespace retort {

/// What a teacher counts, and over which time. Names of the headers that speak of each: core/harvest/rate_signals.h.
enum class MeterKind : int { requests, tokens, input_tokens, output_tokens, requests_per_day, tokens_per_day };
inline constexpr std::size_t kMeters = 6;
const char* word(MeterKind kind);

/// What one request takes from the meters. Daily meters count what their namesakes count.
struct Taking {
  double requests = 1;
  double input = 0;   ///< tokens
  double output = 0;  ///< tokens
  double of(MeterKind kind) const;
};

/// A mirror of the bucket that the teacher keeps for us: it fills steadily up to a capacity. What is unknown is
/// learned:
/// - the capacity from the largest `remaining` ever announced; until then a fraction of a second's worth is assumed,
///   since a limit per minute may be enforced in windows as short as a second;
/// - the level from the newest announcement, corrected by what was sent after the request that it answers;
/// - the rate from (limit - remaining) / reset, and, where nothing is announced, from refusals: at a refusal the bucket
///   is empty, so what was admitted between two refusals, divided by the time between them, is the rate;
/// - the charge, how much the teacher takes for one of our tokens, from announcements too.
struct Meter {
  double configured = 0;  ///< per second, as the user says; zero: unknown
  double announced = 0;   ///< per second, as the teacher says; zero: it does not
  double measured = 0;    ///< per second, between refusals; zero: never refused
  double capacity = 0;    ///< zero: unknown
  double level = 0;       ///< may be negative: a debt
  Instant filled_at;
  double charge = 1;

  double taken = 0;        ///< ever, as we think the teacher counts
  double expected = 0;     ///< ever, as we count
  double turned_away = 0;  ///< of what was taken, by refused requests
  /// The newest announcement.
  Instant announced_sent;  ///< when the request was sent that it answers; zero: never announced
  Instant full_at;         ///< as announced: then nothing is missing but what was sent since; zero: not announced
  double announced_remaining = 0;
  double announced_taken = 0;
  double announced_expected = 0;
  /// Sums with a fading memory: charge = charged_sum / expected_sum, announced = used_sum / reset_sum.
  double charged_sum = 0, expected_sum = 0;
  double used_sum = 0, reset_sum = 0;
  /// The newest refusal that was blamed on this meter.
  Instant refused_at;  ///< zero: never
  double refused_admitted = 0;
  Instant refusing_since;    ///< a newer one, not yet reckoned with: others that were under way may be refused as well
  Instant refused_sent;      ///< when the newest refused request was sent
  int refusals = 0;          ///< reckoned with
  double probe_seconds = 0;  ///< how slowly the measured rate is probed upwards
  Instant taken_at;          ///< the newest take
  bool rested = false;       ///< less was sent than allowed since the newest refusal: nothing can be measured

  /// Per second, what to send at; zero: unlimited as far as known.
  double rate(Instant now) const;
  bool known() const { return configured > 0 || announced > 0 || measured > 0; }
  bool mirrors() const { return announced_sent.ns != 0; }
  double bucket(Instant now) const;  ///< the capacity, or what is assumed of it
  void fill(Instant now);
  /// Now, or when `amount` may be taken.
  Instant ready_at(double amount, Instant now) const;
  void take(double amount, Instant now);
  /// Corrects a take by what an answer really used.
  void give_back(double amount, Instant sent);
  /// Corrects a take that the newest announcement did not know of, by so much in the teacher's count.
  void correct(double excess);
  /// A request was refused that had taken so much.
  void turn_away(double amount);
  /// Nobody asks just now: what was sent after the newest announcement is in the teacher's books by now, or lost.
  void nothing_under_way();
};

/// Where a request stood in a meter's books when it was sent.
struct MeterMark {
  double taken = 0, expected = 0;
  double own = 0;  ///< taken for itself, in the teacher's count
};
using Marks = std::array<MeterMark, kMeters>;

/// One process that asks the teacher.
struct PaceSlot {
  std::int64_t pid = 0;         ///< zero: free
  std::int64_t started_at = 0;  ///< tells a process from a later one of the same number
  std::int32_t in_flight = 0;
  std::int32_t waits = 0;  ///< has work and fewer in flight than its share: the others make room
};

/// What requests used of what they might have: sums with a fading memory.
struct UseOfBounds {
  double input_bound = 0, input_used = 0, output_bound = 0, output_used = 0;
};

struct PaceState {
  std::array<Meter, kMeters> meters;
  UseOfBounds use;  ///< by whoever asked last: what a new process expects at first
  Instant held_until;
  std::array<char, 120> hold_reason;  ///< ends with a NUL
  std::array<PaceSlot, 62> slots;

  Meter& at(MeterKind kind) { return meters[static_cast<std::size_t>(kind)]; }
  const Meter& at(MeterKind kind) const { return meters[static_cast<std::size_t>(kind)]; }
  int in_flight() const;
  /// What each process may have of `all` that may be in flight, at least one.
  int share_of(int all) const;
  bool others_wait(const PaceSlot& own) const;
};
static_assert(std::is_trivially_copyable_v<PaceState>);

/// Where the pace of one teacher is kept. lock() and unlock() bracket every use of state(); a turn of the harvest is
/// one bracket, and never sleeps inside. Used from one thread.
class PaceBook {
 public:
  virtual ~PaceBook() = default;
  virtual void lock() = 0;
  virtual void unlock() = 0;
  virtual PaceState& state() = 0;
  virtual PaceSlot& own_slot() = 0;
};

/// For one process alone.
class PrivatePace final : public PaceBook {
 public:
  void lock() override {}
  void unlock() override {}
  PaceState& state() override { return state_; }
  PaceSlot& own_slot() override { return state_.slots[0]; }

 private:
  PaceState state_{};
};

/// A share of a state that others in this process use too: several harvesters of a simulated world.
class SharedPace final : public PaceBook {
 public:
  SharedPace(PaceState& state, std::size_t slot) : state_(state), slot_(slot) { own_slot() = {}; }
  void lock() override {}
  void unlock() override {}
  PaceState& state() override { return state_; }
  PaceSlot& own_slot() override { return state_.slots[slot_]; }

 private:
  PaceState& state_;
  std::size_t slot_;
};

/// What a teacher announced about one meter.
struct Announcement {
  MeterKind kind = MeterKind::requests;
  std::optional<double> limit, remaining;
  std::optional<Duration> reset;  ///< until it is full again
};

/// Learns from an announcement in the reply to a request that was sent at `sent`, stood at `mark` and took
/// `own_amount`.
void learn_announced(Meter& meter, const Announcement& news, MeterMark mark, Instant sent, double own_amount,
                     Instant now);
/// Learns from a refusal that this meter is blamed for; `pause`: as long as the teacher wants to be left alone. The
/// rate is reckoned anew at the next take, when the refusals of what was under way have come in.
void learn_refused(Meter& meter, double amount, Duration pause, Instant now);

}  // namespace retort
