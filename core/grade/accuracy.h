// How sure is a share of right answers?
#pragma once

#include <cstdint>

namespace retort {

struct Interval {
  double low = 0, high = 1;
};

/// The 95 % interval of a share by Wilson (1927): sound for small counts and near 0 and 1, where mean ± 2σ is not.
/// Of nothing it is 0 to 1.
Interval wilson_interval(std::int64_t right, std::int64_t all);

}  // namespace retort
