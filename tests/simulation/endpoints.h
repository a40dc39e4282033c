// The servers of a teacher that has several: they die and come back one by one, and what is sent to them is watched.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/base/random.h"
#include "tests/simulation/audit.h"
#include "tests/simulation/timeline.h"

namespace retort::simulation {

struct EndpointSettings {
  int count = 1;
  Duration dies_every{};    ///< mean time between the deaths of an endpoint; zero: none dies
  Duration dead_for = 20s;  ///< mean
  double hangs = 0;         ///< probability that a death is silence, instead of connections that are refused
  bool one_stays = false;   ///< the first never dies
};

class Endpoints final : private Actor {
 public:
  enum class State { up, refuses, hangs };

  /// Told when an endpoint dies: what is on its wire is lost.
  class Victim {
   public:
    virtual void endpoint_died(int endpoint) = 0;

   protected:
    ~Victim() = default;
  };

  Endpoints(Timeline& timeline, EndpointSettings settings, int processes, Random& random, Audit& audit, Victim& victim);

  /// For HarvestSettings: empty if there is one.
  static std::vector<std::string> urls(int count);
  static int number_in(const std::string& url);
  State state(int endpoint) const { return all_[static_cast<std::size_t>(endpoint)].state; }
  /// A prompt is on its way there.
  void asked(int endpoint);
  /// A process begins, and has to find out again who is dead.
  void forgotten();
  std::int64_t asked_of(int endpoint) const { return all_[static_cast<std::size_t>(endpoint)].asked; }
  int deaths() const { return deaths_; }

 private:
  struct Endpoint {
    State state = State::up;
    Instant since;  ///< of the state
    std::int64_t asked = 0;
    std::int64_t asked_since = 0;   ///< while dead, once its death can be known
    std::int64_t others_since = 0;  ///< asked of others since it is back and was not asked itself
    Instant unasked_since;
  };
  enum What : std::uint32_t { kDies, kReturns };
  void happen(std::uint32_t what, std::uint64_t which) override;

  Timeline& timeline_;
  const EndpointSettings settings_;
  const int processes_;
  Random& random_;
  Audit& audit_;
  Victim& victim_;
  std::vector<Endpoint> all_;
  int deaths_ = 0;
};

}  // namespace retort::simulation
