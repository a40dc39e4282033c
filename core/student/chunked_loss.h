// Cross-entropy without all logits at once: a vocabulary is larger than a hidden state by two orders of magnitude, so
// the logits of a batch would be its largest tensor by far.
#pragma once

#include "core/student/torch.h"

namespace retort {

struct LossInput {
  at::Tensor hidden;                       ///< [targets, width], fp32: learned places only
  at::Tensor head;                         ///< [vocabulary, width], fp32
  at::Tensor next;                         ///< [targets], whole numbers
  at::ScalarType compute = at::kFloat;     ///< of the matrix products; the loss itself is fp32
  std::int64_t logits_at_once = 16 << 20;  ///< numbers of a chunk, at most (one target at least)
};

/// Sum of -log p(next). Gradients of hidden and head are made on the way, chunk by chunk: nothing is computed twice.
at::Tensor chunked_loss_sum(const LossInput& input);
/// -log p(next) of each target, without gradients.
at::Tensor chunked_losses(const LossInput& input);

}  // namespace retort
