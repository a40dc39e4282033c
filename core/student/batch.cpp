#include "core/student/batch.h"

#include <algorithm>

namespace retort {
namespace {

at::Tensor scores(const Model& model, const Batch& batch) {
  const at::Tensor hidden = model.hidden(batch.tokens).flatten(0, 1);
  return model.logits(hidden.index_select(0, batch.places));
}

}  // namespace

Batch make_batch(const Rows& rows, std::span<const std::size_t> chosen, at::Device device) {
  std::size_t time = 1, targets = 0;
  for (const std::size_t r : chosen) {
    const Rows::Row row = rows[r];
    RETORT_ASSERT(row.learned_from > 0);           // something must stand before the first target
    time = std::max(time, row.tokens.size() - 1);  // the last token is only ever a target
    targets += row.targets();
  }
  const auto longs = at::TensorOptions().dtype(at::kLong);
  const at::Tensor tokens =
      at::zeros({static_cast<std::int64_t>(chosen.size()), static_cast<std::int64_t>(time)}, longs);
  const at::Tensor places = at::empty({static_cast<std::int64_t>(targets)}, longs);
  const at::Tensor next = at::empty_like(places), row_of_target = at::empty_like(places);
  auto* token = tokens.data_ptr<std::int64_t>();
  auto* place = places.data_ptr<std::int64_t>();
  auto* target = next.data_ptr<std::int64_t>();
  auto* row_index = row_of_target.data_ptr<std::int64_t>();
  for (std::size_t b = 0; b < chosen.size(); ++b) {
    const Rows::Row row = rows[chosen[b]];
    std::copy(row.tokens.begin(), row.tokens.end() - 1, token + b * time);
    for (std::size_t i = row.learned_from; i < row.tokens.size(); ++i) {
      *place++ = static_cast<std::int64_t>(b * time + i - 1);
      *target++ = row.tokens[i];
      *row_index++ = static_cast<std::int64_t>(b);
    }
  }
  return {tokens.to(device), places.to(device), next.to(device), row_of_target.to(device)};
}

at::Tensor loss_sum(const Model& model, const Batch& batch) {
  return at::cross_entropy_loss(scores(model, batch), batch.next, {}, at::Reduction::Sum);
}

at::Tensor loss_by_row(const Model& model, const Batch& batch) {
  at::NoGradGuard no_gradients;
  const at::Tensor each = at::cross_entropy_loss(scores(model, batch), batch.next, {}, at::Reduction::None);
  return at::zeros({batch.tokens.size(0)}, each.options()).index_add_(0, batch.row_of_target, each);
}

}  // namespace retort
