// AdamW (Loshchilov & Hutter 2019) with gradient clipping, over a model's flat parameters.
#pragma once

#include "core/student/model.h"

namespace retort {

struct AdamWSettings {
  double beta1 = 0.9;
  double beta2 = 0.99;  ///< short runs profit from a shorter memory than 0.999
  double epsilon = 1e-8;
  double weight_decay = 0.1;     ///< of matrices only
  double gradient_norm_max = 1;  ///< longer gradients are scaled down to it; 0 means never
};

class AdamW {
 public:
  AdamW(Model& model, AdamWSettings settings);

  /// One update with the gradients the model holds, which are cleared. Returns their norm before clipping; if that is
  /// not finite nothing is changed.
  double step(double learning_rate);

  /// For checkpoints: first and second moments, flat as the parameters are, and how many steps were made.
  at::Tensor first_moment, second_moment;
  std::int64_t steps = 0;

 private:
  Model& model_;
  AdamWSettings settings_;
};

/// Cosine: from the peak down to the floor along half a wave (Loshchilov & Hutter 2017). WSD: the peak is held, then
/// the rate falls linearly in the last part (Hu et al. 2024, arXiv:2404.06395).
enum class ScheduleKind { cosine, wsd };

struct Schedule {
  double peak = 1e-3;
  std::int64_t steps = 1;          ///< of the whole run
  std::int64_t warm_up_steps = 0;  ///< linear from 0 to the peak
  double floor = 0.05;             ///< the rate ends at this part of the peak
  ScheduleKind kind = ScheduleKind::cosine;
  double decay_part = 0.2;  ///< WSD: part of all steps in which the rate falls

  /// For the step with this number, from 0.
  double at_step(std::int64_t step) const;
};

}  // namespace retort
