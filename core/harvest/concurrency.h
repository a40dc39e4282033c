// How many requests to have on the wire. Providers say 429 when it is too much; a server of one's own says nothing and
// only gets slow, so both are listened to.
#pragma once

#include <cstdint>
#include <optional>

#include "core/base/instant.h"

namespace retort {

/// Arithmetic over what happened; owns no clock.
///
/// Starts small and grows with each answer, as TCP's slow start does, but only while the limit is in use. From then on
/// it climbs: most rounds are spent at the window, one in a few at 0.8 of it, and from the time that a token takes in
/// each follows the elasticity of the throughput, e = d ln(throughput) / d ln(in flight): 1 below the knee of a server,
/// 0 beyond it. The window grows while e is above a target and shrinks while it is below; a server whose throughput
/// saturates sharply at B is then asked about 1.2 B at once. Where the most that is allowed is found right again and
/// again, the rounds at 0.8 become rare, until less comes of as many. A refusal cuts a ceiling (additive increase,
/// multiplicative decrease: D. Chiu and R. Jain, 1989), once for all requests that were under way together.
class Concurrency {
 public:
  explicit Concurrency(int most);

  /// From now on the limit is known elsewhere: of several endpoints each has a window of its own.
  void follow(int limit) { followed_ = limit; }

  /// How many may be in flight now.
  int limit() const;

  struct Answer {
    Instant sent;
    Duration latency{};
    double tokens = 0;          ///< of the answer: long answers take long, which is no sign of a crowd
    int in_flight = 0;          ///< when it was sent, itself included
    bool limit_in_use = false;  ///< the limit, not the pace or a lack of work, kept more from being sent
  };
  void answered(const Answer& answer, Instant now);
  /// The teacher turned a request away for being one too many.
  void refused(Instant sent, int in_flight_now, Instant now);
  /// The teacher is in trouble: one request at a time until an answer comes, then up again from a start.
  void probe_only();
  bool probing() const { return probing_; }

 private:
  struct Round {
    int answers = 0;
    double latency = 0, tokens = 0, in_flight = 0;
    double seconds_per_token() const { return latency / tokens; }
    double mean_in_flight() const { return in_flight / answers; }
    double throughput() const { return mean_in_flight() / seconds_per_token(); }  ///< by Little's law
  };
  void end_round(Instant now);
  void begin_round(Instant now);
  void climb();

  const double most_;
  std::optional<int> followed_;
  double window_;   ///< what throughput and latency recommend
  double ceiling_;  ///< what refusals taught
  Instant ceiling_cut_;
  bool starting_ = true;
  bool probing_ = false;

  Instant round_began_;
  int answers_wanted_ = 0;
  int far_below_ = 0;  ///< probes in a row that found more to be had
  bool low_ = false;   ///< this round is spent at 0.8 of the window
  int rounds_until_low_ = 1;
  int rounds_at_window_;             ///< for each round at the lower point
  double confirmed_throughput_ = 0;  ///< when the lower point last showed the most to be right; 0: it did not
  Round round_;
  std::optional<Round> before_;  ///< the last round of slow start
  std::optional<Round> high_;    ///< the newest full round
};

}  // namespace retort
