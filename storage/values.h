// How values of the core stand in the corpus: readable in any SQL shell, and exact on the way back.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "core/base/instant.h"
#include "core/base/json.h"
#include "core/base/units.h"

namespace retort {

/// Dollars as REAL. Exact to the picodollar up to 2,000 dollars an attempt.
double dollars_of(Usd cost);
Usd usd_of(double dollars);

/// JSON text, or nothing (NULL) for null.
std::optional<std::string> json_or_null(const Json& value);

/// The time written by to_iso8601; 1970 if it is anything else.
WallTime wall_time_of(std::string_view iso8601);

}  // namespace retort
