// Byte-level BPE spells every byte as a printable character, so that a vocabulary is a text file.
// The mapping is GPT-2's: printable Latin-1 stays itself, the other 68 bytes move to U+0100 and up.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace retort {

/// The bytes as characters of the alphabet (UTF-8). Never fails.
std::string to_byte_alphabet(std::string_view bytes);

/// The bytes again; nothing if a character is not of the alphabet or the text is no UTF-8.
std::optional<std::string> from_byte_alphabet(std::string_view text);

}  // namespace retort
