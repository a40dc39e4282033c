// A user's command, kept running: the real LineProgram.
#pragma once

#include <functional>

#include "core/base/clock.h"
#include "core/grade/line_program.h"

namespace retort {

/// Starts commands through /bin/sh. `should_stop` is asked ten times a second; both must outlive what is started.
StartLineProgram shell_programs(const Clock& clock, std::function<bool()> should_stop);

}  // namespace retort
