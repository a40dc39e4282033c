// SQLite's WAL needs memory shared between processes and locks that work. Network file systems give neither, and
// lose data silently: better to refuse them by name.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/base/result.h"

namespace retort {

/// The usual name of the network (or cluster) file system, or nothing if it is a local one. `magic` is f_type of
/// statfs(2); `mount_type` the type in mountinfo, which tells the many kinds of FUSE apart and may be empty.
std::optional<std::string> network_file_system(std::uint64_t magic, std::string_view mount_type);

/// The mount type of the device "MAJOR:MINOR" in the text of /proc/self/mountinfo, or empty.
std::string mount_type_of(std::string_view mountinfo, std::string_view device);

/// Errc::corpus with what to do instead, if the existing file or folder `place` lies on a network file system.
/// `corpus` is what the message calls it.
Result<void> check_local(const std::string& place, const std::string& corpus);

}  // namespace retort
