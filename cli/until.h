#pragma once

#include <optional>
#include <string>

#include "core/base/instant.h"

namespace retort {

/// The moment that --until names: "18:30" (the next time it is that late here), "2026-11-23T06:00:00Z", or a span from
/// now: "90s", "45m", "8h", "2d". Nothing if it is none of these.
std::optional<WallTime> parse_until(const std::string& text, WallTime now);

}  // namespace retort
