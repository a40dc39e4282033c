// Opening a corpus file: what may be opened, and what must be left exactly as it is.
#pragma once

#include <memory>
#include <string>

#include "core/base/result.h"
#include "storage/connection.h"

namespace retort {

/// The real path of a corpus that exists or could be made there, the same for every name of the file. Errc::corpus
/// with what is wrong: a directory, no such folder, no permission, a network file system, no SQLite database, another
/// program's database, a newer version. Changes nothing, whatever lies there.
Result<std::string> place_for_writing(const std::string& path);

/// As place_for_writing, for a corpus that must exist (Errc::usage if not) and may be write-protected.
Result<std::string> place_for_reading(const std::string& path);

/// Creates the file if absent, brings it up to date, and makes each commit durable.
Result<std::unique_ptr<Connection>> open_for_writing(const std::string& place);

/// Brings an older corpus up to date if the file may be written. Never creates a corpus; never blocked by a harvest.
Result<std::unique_ptr<Connection>> open_for_reading(const std::string& place);

/// As open_for_reading, but leaves an older version and the WAL of a crash as they are: for looking at damage.
Result<std::unique_ptr<Connection>> open_untouched(const std::string& place);

}  // namespace retort
