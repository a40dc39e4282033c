// JSON as nearly all of it is, read quickly. A reply is parsed for every request of a harvest, and the library's own
// parser, which takes each character for itself, would cost a third of the whole loop's time.
#pragma once

#include <optional>
#include <string_view>

#include "core/base/json.h"

namespace retort {

/// The value that nlohmann would give for `text`. Nothing if anything about it is unusual (errors, a BOM, numbers
/// beyond 18 digits or a double, nesting beyond `depth_max`): then nlohmann has the word.
std::optional<Json> read_plain_json(std::string_view text, int depth_max);

}  // namespace retort
