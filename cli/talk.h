#pragma once

#include <string>

#include "core/base/result.h"

namespace retort {

/// From now on every line of talk also goes, with its time, to the end of this file.
Result<void> also_log_to(const std::string& path);

}  // namespace retort
