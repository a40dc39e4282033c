// Several servers of one's own that are one teacher: which of them is asked next, and which of them is there. Pace,
// budget and credential stay the teacher's as a whole; each server has a circuit breaker and a window of its own.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/base/random.h"
#include "core/harvest/attempt.h"
#include "core/harvest/concurrency.h"
#include "core/harvest/harvester.h"
#include "core/harvest/retry_policy.h"
#include "core/harvest/teacher_health.h"

namespace retort {

/// Arithmetic over `now`: owns no clock and sends nothing.
class Fleet {
 public:
  /// All but `urls` must outlive it. `urls`: base URLs, at least two, the first being the one that the dialect writes
  /// into its requests.
  Fleet(std::vector<std::string> urls, const RetrySettings& settings, int in_flight_max, HarvestObserver& observer,
        Random& random);

  /// How many requests of the teacher may be in flight now, those on endpoints that do not answer included. While more
  /// may be, choose() has a place for them.
  int room(Instant now) const;
  /// The next instant at which an endpoint that is left alone may be asked again; never if there is none.
  Instant next_due(Instant now) const;

  /// Gives a request its place: the one that the prompt's digest names (rendezvous hashing: D. Thaler and C.
  /// Ravishankar, 1998), so that the samples of a prompt and its follow-ups find its beginning in one server's cache;
  /// else the one with the least to do. An endpoint that may be back is tried first. Rewrites the request's URL.
  Place choose(const Work& work, HttpRequest& request, Instant now);
  const std::string& url(const Place& place) const { return endpoints_[place.endpoint].url; }
  /// A question about the server itself goes to one endpoint after the other.
  void turn_to_next(HttpRequest& request);

  /// Of the endpoint that a flight is at, for the verdict on it.
  AttemptHistory history(const Flight& flight) const;
  /// How the attempt went. True if it says something about the teacher as a whole; else the verdict asks others at
  /// once.
  bool heard(Flight& flight, const AttemptFacts& facts, Verdict& verdict, const std::optional<Cost>& actual,
             Instant now);

 private:
  struct Endpoint {
    std::string url;
    std::uint64_t salt;  ///< its part in the hash: another endpoint more or less moves few prompts
    TeacherHealth health;
    Concurrency window;
    int in_flight = 0;
    Instant held_until = {};
    int limit(Instant now) const { return now < held_until ? 0 : window.limit(); }
    bool has_room(Instant now) const { return in_flight < limit(now); }
  };
  std::size_t pick(const Work& work, Instant now) const;
  bool others_are_up(const Endpoint& endpoint) const;
  void trouble(Endpoint& endpoint, const Flight& flight, Verdict& verdict, bool others, Instant now);
  void place(HttpRequest& request, std::size_t endpoint) const;

  const RetrySettings& settings_;
  HarvestObserver& observer_;
  Random& random_;
  std::vector<Endpoint> endpoints_;
  std::size_t next_asked_ = 0;
};

}  // namespace retort
