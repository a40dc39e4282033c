#include "core/student/trainer.h"

#include <algorithm>
#include <cmath>

#include "core/student/weights.h"

namespace retort {
namespace {

std::vector<float> to_floats(const at::Tensor& tensor) {
  const at::Tensor here = tensor.detach().to(at::kCPU).contiguous();
  return {here.data_ptr<float>(), here.data_ptr<float>() + here.numel()};
}

bool from_floats(const at::Tensor& target, const std::vector<float>& values) {
  if (target.numel() != static_cast<std::int64_t>(values.size())) return false;
  at::NoGradGuard no_gradients;
  const at::Tensor here = at::empty(target.sizes(), at::kFloat);
  std::copy(values.begin(), values.end(), here.data_ptr<float>());
  target.copy_(here);
  return true;
}

Schedule schedule_of(const TrainSettings& s, std::int64_t batches_an_epoch) {
  const double wished = s.epochs * static_cast<double>(batches_an_epoch);
  const std::int64_t steps = s.steps >= 0 ? s.steps : std::max<std::int64_t>(1, std::llround(std::min(wished, 1e15)));
  const auto warm_up = static_cast<std::int64_t>(s.warm_up * static_cast<double>(steps));
  const ScheduleKind kind = s.schedule == "wsd" ? ScheduleKind::wsd : ScheduleKind::cosine;
  return {s.learning_rate, steps, warm_up, s.learning_rate_floor, kind, s.decay_part};
}

ModelOptions options_of(const TrainSettings& s, at::Device device) {
  ModelOptions options;
  options.lora = lora_settings(s);
  options.recompute = s.recompute;
  const bool bf16 = s.precision == "bf16" || (s.precision == "auto" && device.is_cuda());
  options.compute = bf16 ? at::kBFloat16 : at::kFloat;
  return options;
}

}  // namespace

Trainer::Trainer(const TrainSettings& settings, const ModelConfig& config, const Rows& train, const Rows& validation,
                 at::Device device, const TensorMap* weights)
    : settings_(settings),
      train_(train),
      validation_(validation),
      model_(config, device, options_of(settings, device)),
      optimizer_(model_, {settings.beta1, settings.beta2, 1e-8, settings.weight_decay, settings.gradient_norm_max}),
      rows_digest_(train.digest() + validation.digest()) {
  RETORT_ASSERT(train.size() > 0);
  const auto batch = static_cast<std::size_t>(settings.batch_rows);
  batches_an_epoch_ = static_cast<std::int64_t>((train.size() + batch - 1) / batch);
  schedule_ = schedule_of(settings, batches_an_epoch_);
  if (weights == nullptr) {
    model_.initialise(settings.seed);
  } else {
    load_weights(*weights, model_);
    model_.initialise_adapters(settings.seed);
  }
}

const std::vector<std::size_t>& Trainer::batch_of(std::int64_t step) {
  const std::int64_t epoch = step / batches_an_epoch_;
  if (epoch != ordered_epoch_) {
    order_ = epoch_batches(train_, static_cast<std::size_t>(settings_.batch_rows), settings_.seed, epoch);
    ordered_epoch_ = epoch;
    RETORT_ASSERT(static_cast<std::int64_t>(order_.size()) == batches_an_epoch_);
  }
  return order_[static_cast<std::size_t>(step % batches_an_epoch_)];
}

Result<StepReport> Trainer::step() {
  const std::vector<std::size_t>& batch = batch_of(step_);
  StepReport report{step_ + 1, step_ / batches_an_epoch_ + 1, 0, schedule_.at_step(step_), 0, 0, 0};
  for (const std::size_t r : batch) {
    report.tokens += static_cast<std::int64_t>(train_[r].tokens.size());
    report.targets += static_cast<std::int64_t>(train_[r].targets());
  }
  const double window = static_cast<double>(report.targets);
  const auto parts = static_cast<std::size_t>(settings_.accumulate);
  const std::size_t part_rows = (batch.size() + parts - 1) / parts;
  for (std::size_t begin = 0; begin < batch.size(); begin += part_rows) {
    const auto chosen = std::span(batch).subspan(begin, std::min(part_rows, batch.size() - begin));
    // What adapters leave out depends on step and place alone, so that a resumed run leaves out the same.
    model_.set_dropout_seed(settings_.seed + 0x2545f4914f6cdd1dULL * (static_cast<std::uint64_t>(step_) + 1) + begin);
    const at::Tensor sum = loss_sum(model_, batch_from(train_, chosen));
    sum.div(window).backward();
    report.loss += sum.item<double>() / window;
  }
  model_.set_dropout_seed(std::nullopt);
  if (!std::isfinite(report.loss)) return not_finite(batch, report.loss, 0);
  report.gradient_norm = optimizer_.step(report.learning_rate);
  if (!std::isfinite(report.gradient_norm)) return not_finite(batch, report.loss, report.gradient_norm);
  ++step_;
  return report;
}

Batch Trainer::batch_from(const Rows& rows, std::span<const std::size_t> chosen) const {
  if (!settings_.pack) return make_batch(rows, chosen, model_.device());
  const auto room = static_cast<std::size_t>(settings_.context > 0 ? settings_.context : model_.config().context);
  return make_packed_batch(rows, pack_lines(rows, chosen, room), model_.device());
}

// Which row it was, as far as its own loss or gradient tells: a person wants to look at it.
Failure Trainer::not_finite(const std::vector<std::size_t>& batch, double loss, double norm) {
  const std::string where = "training stopped at step " + std::to_string(step_ + 1) + ": ";
  const at::Tensor losses = loss_by_row(model_, make_batch(train_, batch, model_.device())).to(at::kCPU);
  for (std::size_t i = 0; i < batch.size(); ++i) {
    if (std::isfinite(losses.data_ptr<float>()[i])) continue;
    return fail(Errc::usage, where + "the loss of response " + std::to_string(train_[batch[i]].id) +
                                 " is not finite; lower the learning rate, or look at that pair");
  }
  for (const std::size_t r : batch) {
    model_.gradients().zero_();
    loss_sum(model_, make_batch(train_, std::span(&r, 1), model_.device())).backward();
    const bool finite = std::isfinite(model_.gradients().norm().item<double>());
    model_.gradients().zero_();
    if (finite) continue;
    return fail(Errc::usage, where + "the gradient of response " + std::to_string(train_[r].id) +
                                 " is not finite; lower the learning rate, or look at that pair");
  }
  return fail(Errc::usage, where + "the " + (std::isfinite(loss) ? "gradient" : "loss") + " is not finite (norm " +
                               std::to_string(norm) + ") in the batch with response " +
                               std::to_string(train_[batch[0]].id) + "; lower the learning rate");
}

std::optional<double> Trainer::validation_loss() const {
  if (validation_.size() == 0) return std::nullopt;
  at::NoGradGuard no_gradients;
  double sum = 0;
  // As many rows at once as a step has: what fits there fits here.
  for (const auto& batch : epoch_batches(validation_, static_cast<std::size_t>(settings_.batch_rows), 0, 0)) {
    sum += loss_sum(model_, batch_from(validation_, batch)).item<double>();
  }
  return sum / static_cast<double>(validation_.targets());
}

Checkpoint Trainer::checkpoint() const {
  Checkpoint made;
  made.step = step_;
  made.optimizer_steps = optimizer_.steps;
  made.state = {{"rows_sha256", rows_digest_}, {"settings", train_settings_to_json(settings_)}};
  made.parameters = to_floats(model_.parameters());
  made.first_moment = to_floats(optimizer_.first_moment);
  made.second_moment = to_floats(optimizer_.second_moment);
  return made;
}

Result<void> Trainer::take_parameters(const Checkpoint& checkpoint) {
  if (from_floats(model_.parameters(), checkpoint.parameters)) return {};
  return fail(Errc::usage, "the checkpoint is of a student of another size");
}

Result<void> Trainer::restore(const Checkpoint& checkpoint) {
  if (json_text(checkpoint.state, "rows_sha256") != rows_digest_) {
    return fail(Errc::usage, "the checkpoint was made with other pairs; resume with the same corpus and the same view");
  }
  // A setting that came later than the checkpoint had its default.
  Json theirs = train_settings_to_json({});
  theirs.update(json_child(checkpoint.state, "settings"));
  if (canonical_json(theirs) != canonical_json(train_settings_to_json(settings_))) {
    return fail(Errc::usage, "the checkpoint was made with other settings than RUN/train.json holds");
  }
  if (!from_floats(model_.parameters(), checkpoint.parameters) ||
      !from_floats(optimizer_.first_moment, checkpoint.first_moment) ||
      !from_floats(optimizer_.second_moment, checkpoint.second_moment)) {
    return fail(Errc::usage, "the checkpoint is of a student of another size");
  }
  optimizer_.steps = checkpoint.optimizer_steps;
  step_ = checkpoint.step;
  return {};
}

}  // namespace retort
