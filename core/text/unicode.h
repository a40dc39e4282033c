// What cutting text into words must know of a character, in one byte, and NFC where a family's tokenizer wants it.
// The classes are those of Hugging Face's `tokenizers` (tests/references/make_unicode_ranges.py asks it), so that both
// cut alike whatever Unicode version a library of the system has.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace retort {

enum class CharClass : std::uint8_t { other, letter, number, space, mark };

struct UnicodeRange {
  std::uint32_t first;
  std::uint16_t length;
  std::uint8_t bits;
};
std::span<const UnicodeRange> unicode_ranges();

/// By code point: the class in the low three bits, 8 if it has a combining class, 16 if NFC may change it or join it to
/// what stands before it, 32 if it is newer than the Unicode of `tokenizers`' NFC, which neither moves nor joins it,
/// 64 if only its Digits take it for a number: they know a newer Unicode than its patterns do.
class UnicodeTable {
 public:
  static const UnicodeTable& get();
  CharClass char_class(char32_t c) const { return static_cast<CharClass>(bits_[c] & 7); }
  /// As `tokenizers`' Digits have it.
  bool is_digit(char32_t c) const { return char_class(c) == CharClass::number || (bits_[c] & 64) != 0; }
  std::uint8_t bits(char32_t c) const { return bits_[c]; }

 private:
  UnicodeTable();
  std::array<std::uint8_t, 0x110000> bits_{};
};

/// The character at `at` of valid UTF-8, and its length in bytes.
struct Utf8Char {
  char32_t point;
  std::size_t bytes;
};
inline Utf8Char utf8_char(const char* text, std::size_t at) {
  const auto byte = [&](std::size_t i) { return static_cast<char32_t>(static_cast<std::uint8_t>(text[at + i])); };
  const char32_t first = byte(0);
  if (first < 0x80) return {first, 1};
  if (first < 0xE0) return {((first & 0x1F) << 6) | (byte(1) & 0x3F), 2};
  if (first < 0xF0) return {((first & 0x0F) << 12) | ((byte(1) & 0x3F) << 6) | (byte(2) & 0x3F), 3};
  return {((first & 0x07) << 18) | ((byte(1) & 0x3F) << 12) | ((byte(2) & 0x3F) << 6) | (byte(3) & 0x3F), 4};
}
/// Where the character before `at` begins; `at` > 0.
inline std::size_t utf8_before(const char* text, std::size_t at) {
  do --at;
  while (at > 0 && (static_cast<std::uint8_t>(text[at]) & 0xC0) == 0x80);
  return at;
}

/// False if `text` (valid UTF-8) is in NFC already, and then `normal` is left alone; it holds the normal form if not.
bool to_nfc(std::string_view text, std::string& normal);

}  // namespace retort
