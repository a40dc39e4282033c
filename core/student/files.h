// Files of a run: read whole, written so that a crash leaves the old one or the new one, never half of one.
#pragma once

#include <string>
#include <string_view>

#include "core/base/result.h"

namespace retort {

/// Errc::usage if it cannot be read.
Result<std::string> read_file(const std::string& path);

/// Writes and flushes to the disk. Errc::disk if that fails.
Result<void> write_durable(const std::string& path, std::string_view bytes);

/// write_durable beside it, then a rename over it.
Result<void> replace_file(const std::string& path, std::string_view bytes);

/// Makes renames in a folder durable.
Result<void> sync_folder(const std::string& path);

/// Creates a folder and its parents. Errc::disk if that fails.
Result<void> make_folder(const std::string& path);

}  // namespace retort
