// Whether anybody is there: refusals and failures of the teacher as a whole, as opposed to those of a request.
#pragma once

#include <optional>
#include <string>

#include "core/base/instant.h"

namespace retort {

/// What an attempt says about the teacher, beyond its own request.
enum class Trouble {
  none,         ///< an answer, or an error that is about one request only
  refusal,      ///< 429: it is there, and wants to be left alone for a while
  unreachable,  ///< nobody takes the request
  failing       ///< it takes requests and answers none: 5xx, cut or silent connections, bytes that are no answer
};

/// A circuit breaker (M. Nygard, "Release It!", 2007) with patience. Arithmetic over what happened; owns no clock.
class TeacherHealth {
 public:
  /// `patience`: how long nothing but trouble is borne; a teacher that never answered at all gets half a minute.
  explicit TeacherHealth(Duration patience) : patience_(patience) {}

  /// An answer, or an error that is about one request only.
  void alive();
  /// Called for each troubled attempt. True if this begins a time of trouble.
  bool trouble(Trouble kind, Instant sent, Instant now);
  /// The teacher asked for a pause: patience does not run meanwhile.
  void asked_to_wait(Duration pause);

  /// The circuit is open: attempts are probes, one at a time, and their failures are not the requests' fault.
  bool down() const { return down_; }
  /// Rounds of trouble since the last sign of life, for the back-off.
  int rounds() const { return rounds_; }
  /// How long nothing but trouble came, if that is beyond patience.
  std::optional<Duration> beyond_patience(Instant now) const;

 private:
  Duration patience_;
  bool reached_ = false;
  bool down_ = false;
  int failures_in_row_ = 0;
  int rounds_ = 0;
  std::optional<Instant> since_;
  Instant last_;
};

}  // namespace retort
