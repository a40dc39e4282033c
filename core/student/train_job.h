// `retort train` inside the module: pairs in, a run folder out.
#pragma once

#include <string>

#include "core/base/result.h"
#include "core/student/module.h"
#include "core/student/train_settings.h"

namespace retort {

/// Runs to the end, or until the host says stop (Errc::interrupted, after a checkpoint). A failed callback of the host
/// is told by `host_failed`, whose error the host has itself.
Result<void> run_train_job(const TrainSettings& given, const retort_host& host, bool& host_failed);

}  // namespace retort
