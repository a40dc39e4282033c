// Activation checkpointing (Chen et al. 2016, arXiv:1604.06174): what a layer computes on its way is not kept but
// computed again when its gradients are due. Memory for time; gradients are equal to the last bit.
#pragma once

#include <functional>

#include "core/student/torch.h"

namespace retort {

/// layer(x), keeping x alone. `layer` must give the same each time, and stay valid until gradients were computed.
/// `anchor`: any tensor that requires gradients, for layers whose input does not.
at::Tensor recomputed(const std::function<at::Tensor(const at::Tensor&)>& layer, const at::Tensor& x,
                      const at::Tensor& anchor);

}  // namespace retort
