// libcurl, loaded when the first transport is made. Linked the usual way it and the thirty libraries it brings cost
// every command, `retort --version` too, more time than all the rest of its start (docs/decisions/0011).
#pragma once

#include "core/base/result.h"

namespace retort {

/// Errc::internal if this system's libcurl cannot be loaded. Until it has succeeded once, no function of <curl/curl.h>
/// may be called. Safe from any thread.
Result<void> load_curl();

}  // namespace retort
