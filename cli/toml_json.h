// TOML as the plain values the core knows. For configuration and recipes.
#pragma once

#include <string>

#include <toml++/toml.h>

#include "core/base/json.h"

namespace retort {

/// Dates become text.
Json to_json(const toml::node& node);

/// A whole document; Errc::usage says where it is wrong. `path` is for messages.
Result<Json> parse_toml(const std::string& text, const std::string& path);

}  // namespace retort
