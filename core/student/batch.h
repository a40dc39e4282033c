// Rows as tensors. Padding is known by length, never by a token's id, so the end of a turn is learned like any other
// token.
#pragma once

#include <span>
#include <vector>

#include "core/student/model.h"
#include "core/student/rows.h"

namespace retort {

struct Batch {
  at::Tensor tokens;         ///< [rows, time], padded on the right
  at::Tensor places;         ///< [targets]: indices into the flattened rows × time whose next token is learned
  at::Tensor next;           ///< [targets]: that next token
  at::Tensor row_of_target;  ///< [targets]
};

Batch make_batch(const Rows& rows, std::span<const std::size_t> chosen, at::Device device);

/// Sum over all targets of -log p(next token): divide by the targets of the whole window, not of this batch. The output
/// matrix is applied at learned places only.
at::Tensor loss_sum(const Model& model, const Batch& batch);

/// The same, one sum for each row of the batch; without gradients.
at::Tensor loss_by_row(const Model& model, const Batch& batch);

}  // namespace retort
