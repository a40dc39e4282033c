// Small questions about text that several edges ask.
#pragma once

#include <string>
#include <string_view>

namespace retort {

bool is_valid_utf8(std::string_view text);

/// Each maximal run of bytes that is not UTF-8 becomes one U+FFFD.
std::string to_valid_utf8(std::string_view bytes);

/// At most `bytes_max` bytes, cut at a character, with "…" where something is missing.
std::string shortened(std::string_view text, std::size_t bytes_max);

/// One line: control characters and runs of white space become one space.
std::string on_one_line(std::string_view text);

/// Whether a key is one, and no placeholder for a server that wants none ("EMPTY", "ollama"): such a word may stand in
/// any answer, and "null" in any JSON. A secret has eight characters with a digit among them, or sixteen.
bool is_secret(std::string_view key);
/// Every occurrence of `secret` replaced, so that a key echoed by a server is never kept; also one that JSON spells
/// with escapes (\u0073k for sk). Not one in another encoding, such as Base64. What is no secret changes nothing.
std::string redacted(std::string text, std::string_view secret);

std::string_view trimmed(std::string_view text);
std::string lower_ascii(std::string_view text);

}  // namespace retort
