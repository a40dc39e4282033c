// The decoder's operations with gradients of our own, where composing libtorch's would read and write memory several
// times more often: on a CPU a small student spends its time there, not in matrix products.
#pragma once

#include "core/student/torch.h"

namespace retort {

/// x / sqrt(mean(x²) + epsilon) · weight, over the last dimension (Zhang & Sennrich 2019).
at::Tensor rms_norm(const at::Tensor& x, const at::Tensor& weight, double epsilon);

/// silu(gate) · up, where the last dimension holds gate then up (Shazeer 2020).
at::Tensor swiglu(const at::Tensor& gate_up);

/// Rotary positions (Su et al. 2021), as Llama has them: the first half of a head's width is rotated against the
/// second. x [rows, time, heads, head width]; cos and sin broadcast to [rows, time, 1, head width / 2].
at::Tensor rotate(const at::Tensor& x, const at::Tensor& cos, const at::Tensor& sin);

/// softmax(q·kᵀ / sqrt(head width), causal)·v. q [rows, heads, time, head width]; k and v have heads / group of them.
at::Tensor causal_attention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v);

/// The same where each query row may see only what `visible` allows: [rows, 1, queries, keys], true where seen.
at::Tensor masked_attention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, const at::Tensor& visible);

}  // namespace retort
