// A file that a setting names, read whole.
#pragma once

#include <string>

#include "core/base/result.h"

namespace retort {

/// At most 16 MiB. Errc::usage if it cannot be read or is longer.
Result<std::string> read_small_file(const std::string& path);

}  // namespace retort
