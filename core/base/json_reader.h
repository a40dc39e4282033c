// JSON as nearly all of it is, read quickly. A reply is parsed for every request of a harvest, and the library's own
// parser, which takes each character for itself, would cost a third of the whole loop's time.
#pragma once

#include <cstdint>
#include <cstring>
#include <optional>
#include <string_view>

#include "core/base/json.h"

namespace retort {

/// The value that nlohmann would give for `text`. Nothing if anything about it is unusual (errors, a BOM, numbers
/// beyond 18 digits or a double, nesting beyond `depth_max`): then nlohmann has the word.
std::optional<Json> read_plain_json(std::string_view text, int depth_max);

/// Eight bytes at once: whether one of them ends a run of plain ASCII text in a JSON string (a quote, a backslash, a
/// control character, or a byte beyond ASCII).
inline bool has_special_byte(const char* eight) {
  constexpr std::uint64_t kOnes = 0x0101010101010101, kHighs = 0x8080808080808080;
  std::uint64_t word = 0;
  std::memcpy(&word, eight, sizeof word);
  const std::uint64_t quote = word ^ (kOnes * '"'), backslash = word ^ (kOnes * '\\');
  return (((quote - kOnes) | (backslash - kOnes) | (word - kOnes * 0x20) | word) & kHighs) != 0;
}

}  // namespace retort
