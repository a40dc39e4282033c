// The pace of one teacher in a mapped file, so that all processes of a machine that ask it keep its limits together.
#pragma once

#include <memory>
#include <string>

#include "core/base/result.h"
#include "core/harvest/pace.h"

namespace retort {

/// Opens (or makes) the file for the teacher of that `key` (origin and model; only a digest of it is in the name) in
/// $XDG_RUNTIME_DIR/retort, else in a folder of this user's own under the system's temporary folder. A state of another
/// version, of an earlier boot (the monotonic clock began anew) or one that makes no sense is begun anew; slots of
/// processes that are gone are freed. Errc::disk says why there is none: the caller then paces alone.
Result<std::unique_ptr<PaceBook>> open_shared_pace(const std::string& key);

/// The same in a folder of one's choice.
Result<std::unique_ptr<PaceBook>> open_shared_pace(const std::string& key, const std::string& folder);

}  // namespace retort
