// Supervised fine-tuning, step by step. Everything a step depends on is in the settings, the rows and the checkpoint,
// so a resumed run equals an uninterrupted one bit for bit on a CPU.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "core/student/batch.h"
#include "core/student/checkpoint.h"
#include "core/student/model.h"
#include "core/student/optimizer.h"
#include "core/student/rows.h"
#include "core/student/train_settings.h"
#include "core/weights/tensors.h"

namespace retort {

struct StepReport {
  std::int64_t step = 0;   ///< from 1
  std::int64_t epoch = 0;  ///< from 1
  double loss = 0;         ///< mean over the learned tokens of the whole batch
  double learning_rate = 0;
  double gradient_norm = 0;  ///< before clipping
  std::int64_t tokens = 0;   ///< in this batch, without padding
  std::int64_t targets = 0;  ///< of them learned
};

class Trainer {
 public:
  /// The rows must outlive it; `train` must not be empty. `weights`: what the student begins with; without them it
  /// begins at random.
  Trainer(const TrainSettings& settings, const ModelConfig& config, const Rows& train, const Rows& validation,
          at::Device device, const TensorMap* weights = nullptr);

  std::int64_t steps_done() const { return step_; }
  std::int64_t steps_in_all() const { return schedule_.steps; }
  /// Errc::internal with the row and its loss if a number is not finite; then nothing was changed.
  Result<StepReport> step();
  /// Mean loss a learned token over the held-back rows; nothing if there are none.
  std::optional<double> validation_loss() const;

  Checkpoint checkpoint() const;
  /// The parameters of a checkpoint of this run, and nothing else of it.
  Result<void> take_parameters(const Checkpoint& checkpoint);
  /// Errc::usage if it is of other rows, settings or a model of other shape.
  Result<void> restore(const Checkpoint& checkpoint);

  const Model& model() const { return model_; }

 private:
  const std::vector<std::size_t>& batch_of(std::int64_t step);
  Batch batch_from(const Rows& rows, std::span<const std::size_t> chosen) const;
  Failure not_finite(const std::vector<std::size_t>& batch, double loss, double norm);

  TrainSettings settings_;
  const Rows& train_;
  const Rows& validation_;
  Model model_;
  AdamW optimizer_;
  Schedule schedule_;
  std::string rows_digest_;
  std::int64_t step_ = 0;
  std::int64_t batches_an_epoch_ = 1;
  std::int64_t ordered_epoch_ = -1;
  std::vector<std::vector<std::size_t>> order_;
};

}  // namespace retort
