#include "core/grade/accuracy.h"

#include <algorithm>
#include <cmath>

namespace retort {

Interval wilson_interval(std::int64_t right, std::int64_t all) {
  if (all <= 0) return {};
  constexpr double kZ = 1.959963984540054;
  const double n = static_cast<double>(all), share = static_cast<double>(right) / n;
  const double scale = 1 + kZ * kZ / n;
  const double centre = (share + kZ * kZ / (2 * n)) / scale;
  const double half = kZ / scale * std::sqrt(share * (1 - share) / n + kZ * kZ / (4 * n * n));
  // At the ends the formula gives 0 and 1 but for rounding.
  return {right == 0 ? 0 : std::max(0.0, centre - half), right == all ? 1 : std::min(1.0, centre + half)};
}

}  // namespace retort
