// JSON from outside is hostile until shown otherwise: bounded depth, strict UTF-8, no exceptions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include "core/base/result.h"

namespace retort {

using Json = nlohmann::json;

constexpr int kJsonDepthMax = 128;

/// Parses one whole document. Fails (Errc::usage) on anything else: junk after it, depth beyond
/// kJsonDepthMax, invalid UTF-8. Of duplicate keys the last one wins. A leading BOM is skipped.
Result<Json> parse_json(std::string_view text);

/// The same for what a teacher sent, where a number in a field that nobody reads must not cost the answer: one beyond
/// a double (1e999999) reads as null, a whole number beyond 64 bits as a double. json_count() takes neither.
Result<Json> parse_reply_json(std::string_view text);

/// One text for equal values: keys sorted, no spaces, integral floats written as integers (1.0 is 1).
std::string canonical_json(const Json& value);

/// Compact text that never throws: bytes that are not UTF-8 become U+FFFD.
std::string dump_json(const Json& value);

/// The member as text, or empty if it is absent or no string.
std::string json_text(const Json& object, const char* key);
/// The member if it is an object or array, else an empty object: lookups can be chained.
const Json& json_child(const Json& object, const char* key);
/// The member if it is a whole number that fits, else nothing. Never wraps, never negative.
std::optional<std::int64_t> json_count(const Json& object, const char* key);

}  // namespace retort
