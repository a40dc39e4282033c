// Trouble of the whole teacher, as opposed to one request's: silence where it asks for it, single probes where it
// fails, and an end when nothing else has come for too long.
#pragma once

#include <optional>
#include <string>

#include "core/base/random.h"
#include "core/harvest/harvester.h"
#include "core/harvest/planner.h"
#include "core/harvest/rate_limiter.h"
#include "core/harvest/retry_policy.h"
#include "core/harvest/teacher_health.h"

namespace retort {

/// Owns what is known of the teacher's health; tells limiter and observer what follows from it.
class TeacherWatch {
 public:
  /// All must outlive it.
  TeacherWatch(const RetrySettings& settings, RateLimiter& limiter, HarvestObserver& observer, Random& random,
               HarvestStats& stats)
      : settings_(settings),
        limiter_(limiter),
        observer_(observer),
        random_(random),
        stats_(stats),
        health_(settings.patience) {}

  /// How an attempt went that was sent at `sent`. Why the harvest must end, if patience has.
  std::optional<Error> heard(const AttemptFacts& facts, const Verdict& verdict, const Permit& permit, Instant sent,
                             Instant now);
  /// The server said that it is there, or why it is not ready.
  void ready() { health_.alive(); }
  std::optional<Error> not_ready(const std::string& why, Instant now);

  /// What the verdict on an attempt at that work must know.
  AttemptHistory history(const Work& work) const {
    return {work.attempts_charged, work.timeouts, health_.rounds(), health_.down()};
  }

 private:
  void hold(Duration pause, const std::string& reason, bool asked, Instant now);
  std::optional<Error> beyond_patience(const std::string& reason, Instant now) const;

  const RetrySettings& settings_;
  RateLimiter& limiter_;
  HarvestObserver& observer_;
  Random& random_;
  HarvestStats& stats_;
  TeacherHealth health_;
  Instant tell_again_;  ///< not before is it told that no answers come
};

}  // namespace retort
