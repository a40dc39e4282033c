// What tokens cost, and when: some providers are cheaper at night.
#pragma once

#include <vector>

#include "core/base/instant.h"
#include "core/base/units.h"
#include "core/corpus/records.h"

namespace retort {

/// Dollars per million tokens.
struct Price {
  double input = 0;
  double output = 0;
  double cached_input = -1;  ///< of input that the provider had in its cache; below zero: as other input
  double cache_write = -1;   ///< of input that it wrote into its cache; below zero: as other input
};

/// A price that holds daily from one minute of the day (UTC) to another, over midnight if that is earlier.
struct PriceWindow {
  int from_minute = 0;
  int to_minute = 0;
  Price price;
  bool holds_at(WallTime at) const;
};

class Prices {
 public:
  Prices() = default;
  explicit Prices(Price usual, std::vector<PriceWindow> windows = {}) : usual_(usual), windows_(std::move(windows)) {}

  const Price& at(WallTime time) const;
  /// The most that these tokens can cost at any time of the day.
  Usd most(Tokens input, Tokens output) const;
  /// What an answer that came at `time` did cost.
  Usd of(Tokens input, Tokens output, Tokens cached_input, WallTime time, Tokens cache_written = 0) const;
  bool has_windows() const { return !windows_.empty(); }

 private:
  Price usual_;
  std::vector<PriceWindow> windows_;
};

}  // namespace retort
