#include "core/student/optimizer.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace retort {

AdamW::AdamW(Model& model, AdamWSettings settings)
    : first_moment(at::zeros_like(model.parameters())),
      second_moment(at::zeros_like(model.parameters())),
      model_(model),
      settings_(settings) {}

double AdamW::step(double learning_rate) {
  at::NoGradGuard no_gradients;
  const at::Tensor& gradient = model_.gradients();
  const double norm = gradient.norm().item<double>();
  if (!std::isfinite(norm)) return norm;
  if (settings_.gradient_norm_max > 0 && norm > settings_.gradient_norm_max)
    gradient.mul_(settings_.gradient_norm_max / norm);
  ++steps;
  const double n = static_cast<double>(steps);
  const double correction1 = 1 - std::pow(settings_.beta1, n), correction2 = 1 - std::pow(settings_.beta2, n);
  first_moment.mul_(settings_.beta1).add_(gradient, 1 - settings_.beta1);
  second_moment.mul_(settings_.beta2).addcmul_(gradient, gradient, 1 - settings_.beta2);
  model_.parameters().narrow(0, 0, model_.decayed()).mul_(1 - learning_rate * settings_.weight_decay);
  const at::Tensor scale = second_moment.div(correction2).sqrt_().add_(settings_.epsilon);
  model_.parameters().addcdiv_(first_moment, scale, -learning_rate / correction1);
  gradient.zero_();
  return norm;
}

double Schedule::at_step(std::int64_t step) const {
  if (step < warm_up_steps) return peak * static_cast<double>(step + 1) / static_cast<double>(warm_up_steps);
  const double length = static_cast<double>(std::max<std::int64_t>(1, steps - warm_up_steps));
  if (kind == ScheduleKind::wsd) {
    const double decay_steps = std::max(1.0, std::round(decay_part * static_cast<double>(steps)));
    const double left = std::max(0.0, static_cast<double>(steps - step)) / decay_steps;
    return peak * (floor + (1 - floor) * std::min(1.0, left));
  }
  const double done = std::min(1.0, static_cast<double>(step - warm_up_steps) / length);
  return peak * (floor + (1 - floor) * 0.5 * (1 + std::cos(std::numbers::pi * done)));
}

}  // namespace retort
