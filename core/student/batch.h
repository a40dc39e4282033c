// Rows as tensors. Padding is known by length, never by a token's id, so the end of a turn is learned like any other
// token.
#pragma once

#include <span>
#include <vector>

#include "core/student/model.h"
#include "core/student/rows.h"

namespace retort {

struct Batch {
  at::Tensor tokens;              ///< [lines, time], padded on the right
  at::Tensor places;              ///< [targets]: indices into the flattened lines × time whose next token is learned
  at::Tensor next;                ///< [targets]: that next token
  at::Tensor row_of_target;       ///< [targets]: index into the samples, in their order
  std::vector<Segment> segments;  ///< where each sample lies
  bool packed = false;            ///< a line may hold several samples
};

/// A line for each row.
Batch make_batch(const Rows& rows, std::span<const std::size_t> chosen, at::Device device);

/// Lines of several rows, as pack_lines() puts them together: no sample sees another, positions restart.
Batch make_packed_batch(const Rows& rows, const std::vector<std::vector<std::size_t>>& lines, at::Device device);

/// Sum over all targets of -log p(next token): divide by the targets of the whole window, not of this batch. The output
/// matrix is applied at learned places only, and not at all of them at once.
at::Tensor loss_sum(const Model& model, const Batch& batch);

/// The same, one sum for each sample of the batch; without gradients.
at::Tensor loss_by_row(const Model& model, const Batch& batch);

}  // namespace retort
