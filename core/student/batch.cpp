#include "core/student/batch.h"

#include <algorithm>

#include "core/student/chunked_loss.h"

namespace retort {
namespace {

LossInput loss_input(const Model& model, const Batch& batch) {
  const at::Tensor hidden = batch.packed ? model.hidden(batch.tokens, batch.segments) : model.hidden(batch.tokens);
  return {hidden.flatten(0, 1).index_select(0, batch.places), model.head(), batch.next, model.options().compute};
}

Batch lay_out(const Rows& rows, const std::vector<std::vector<std::size_t>>& lines, at::Device device) {
  std::size_t time = 1, targets = 0;
  for (const auto& line : lines) {
    std::size_t length = 0;
    for (const std::size_t r : line) {
      RETORT_ASSERT(rows[r].learned_from > 0);  // something must stand before the first target
      length += rows[r].tokens.size() - 1;      // the last token is only ever a target
      targets += rows[r].targets();
    }
    time = std::max(time, length);
  }
  const auto longs = at::TensorOptions().dtype(at::kLong);
  const at::Tensor tokens =
      at::zeros({static_cast<std::int64_t>(lines.size()), static_cast<std::int64_t>(time)}, longs);
  const at::Tensor places = at::empty({static_cast<std::int64_t>(targets)}, longs);
  const at::Tensor next = at::empty_like(places), row_of_target = at::empty_like(places);
  auto* place = places.data_ptr<std::int64_t>();
  auto* target = next.data_ptr<std::int64_t>();
  auto* row_index = row_of_target.data_ptr<std::int64_t>();
  Batch batch;
  for (std::size_t l = 0; l < lines.size(); ++l) {
    std::size_t begin = 0;
    for (const std::size_t r : lines[l]) {
      const Rows::Row row = rows[r];
      std::copy(row.tokens.begin(), row.tokens.end() - 1, tokens.data_ptr<std::int64_t>() + l * time + begin);
      for (std::size_t i = row.learned_from; i < row.tokens.size(); ++i) {
        *place++ = static_cast<std::int64_t>(l * time + begin + i - 1);
        *target++ = row.tokens[i];
        *row_index++ = static_cast<std::int64_t>(batch.segments.size());
      }
      batch.segments.push_back({static_cast<std::int64_t>(l), static_cast<std::int64_t>(begin),
                                static_cast<std::int64_t>(row.tokens.size() - 1)});
      begin += row.tokens.size() - 1;
    }
  }
  batch.tokens = tokens.to(device);
  batch.places = places.to(device);
  batch.next = next.to(device);
  batch.row_of_target = row_of_target.to(device);
  return batch;
}

}  // namespace

Batch make_batch(const Rows& rows, std::span<const std::size_t> chosen, at::Device device) {
  std::vector<std::vector<std::size_t>> lines;
  for (const std::size_t r : chosen) lines.push_back({r});
  return lay_out(rows, lines, device);
}

Batch make_packed_batch(const Rows& rows, const std::vector<std::vector<std::size_t>>& lines, at::Device device) {
  Batch batch = lay_out(rows, lines, device);
  batch.packed = true;
  return batch;
}

at::Tensor loss_sum(const Model& model, const Batch& batch) { return chunked_loss_sum(loss_input(model, batch)); }

at::Tensor loss_by_row(const Model& model, const Batch& batch) {
  at::NoGradGuard no_gradients;
  const at::Tensor each = chunked_losses(loss_input(model, batch));
  const auto samples = static_cast<std::int64_t>(batch.segments.size());
  return at::zeros({samples}, each.options()).index_add_(0, batch.row_of_target, each);
}

}  // namespace retort
