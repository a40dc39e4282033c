// Money and time that the user set as a limit. What a request may cost at most is reserved before it is begun, so that
// a cap holds with a thousand requests in flight, and stays reserved if nobody ever learns what it did cost.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "core/base/instant.h"
#include "core/base/units.h"
#include "core/corpus/records.h"

namespace retort {

/// Totals of the corpus, over all its runs (docs/decisions/0012).
struct Caps {
  std::optional<Usd> money;
  std::optional<Tokens> tokens;  ///< in and out
  std::optional<std::int64_t> requests;
  std::optional<WallTime> until;  ///< nothing is sent from then on
};

class Budget {
 public:
  /// `spent`: by earlier runs.
  Budget(Caps caps, Spent spent) : caps_(caps), spent_(spent) {}

  enum class Grant {
    granted,
    later,     ///< what is reserved for others may turn out to be more than they need
    exhausted  ///< a cap is reached
  };
  /// Sets aside what a request may cost at most.
  Grant reserve(const Cost& bound);
  /// Ends a reservation. `actual`: what it did cost (all zero for nothing at all); nothing if nobody knows, and then
  /// the bound counts. `sent`: whether it counts as a request.
  void settle(const Cost& bound, const std::optional<Cost>& actual, bool sent);

  bool time_is_up(WallTime wall) const { return caps_.until && wall >= *caps_.until; }
  const Caps& caps() const { return caps_; }
  /// The cap that the last refused reservation met, for people.
  const std::string& reached() const { return reached_; }

 private:
  Caps caps_;
  Spent spent_;
  Spent reserved_;
  double overrun_ = 1;  ///< the most that an answer was beyond its bound: bounds count for so much more from then on
  std::string reached_;
};

}  // namespace retort
