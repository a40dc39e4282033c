// All parameters that are learned lie in one flat tensor, all gradients in another: the optimiser is a handful of
// operations on them, and matrices (which decay) come before everything else (which does not).
#pragma once

#include <vector>

#include "core/student/torch.h"

namespace retort {

struct FlatParameters {
  struct Place {
    at::Tensor* tensor;  ///< becomes a view of `values`
    std::vector<std::int64_t> shape;
    bool decays;
  };
  at::Tensor values, gradients;  ///< gradients: undefined if nothing is learned here
  std::int64_t decayed = 0;      ///< so many values from the beginning are subject to weight decay

  /// Places that decay must come first. Views require gradients, and have theirs in `gradients`, if `learned`.
  static FlatParameters allocate(const std::vector<Place>& places, at::Device device, bool learned);
};

}  // namespace retort
