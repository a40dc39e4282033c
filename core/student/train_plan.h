// Plan before you pay: what a training run would do, told without writing anything.
#pragma once

#include "core/base/clock.h"
#include "core/student/module.h"
#include "core/student/train_data.h"
#include "core/student/trainer.h"

namespace retort {

/// Emits {"event": "plan", …}: steps, tokens, bytes of parameters and what learning adds to them, and the first rows as
/// the student will see them. Makes up to two steps on the device, in memory only, and tells from them the time of the
/// whole run and the most memory that was held.
Result<void> tell_plan(const TrainSettings& settings, const ModelConfig& config, const StudentChat& chat,
                       const TrainData& data, Trainer& trainer, const Clock& clock, const retort_host& host);

}  // namespace retort
