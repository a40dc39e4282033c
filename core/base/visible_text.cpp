#include "core/base/visible_text.h"

#include <array>
#include <cstdint>
#include <cstdio>
#include <utility>

#include "core/base/text.h"

namespace retort {
namespace {

using Range = std::pair<char32_t, char32_t>;

// Invisible, or changing what is around them. Joiners (U+200C, U+200D) and variation selectors stay: scripts and emoji
// need them.
constexpr std::array<Range, 12> kUnsafe{{{0x80, 0x9f},
                                         {0xad, 0xad},
                                         {0x61c, 0x61c},
                                         {0x180e, 0x180e},
                                         {0x200b, 0x200b},
                                         {0x200e, 0x200f},
                                         {0x2028, 0x202e},
                                         {0x2060, 0x2069},
                                         {0xfeff, 0xfeff},
                                         {0xfff9, 0xfffb},
                                         {0xe0000, 0xe007f},
                                         {0xf0000, 0x10ffff}}};

constexpr std::array<Range, 13> kZeroWidth{{{0x300, 0x36f},
                                            {0x483, 0x489},
                                            {0x591, 0x5bd},
                                            {0x610, 0x61a},
                                            {0x64b, 0x65f},
                                            {0x93c, 0x93c},
                                            {0x941, 0x948},
                                            {0xe31, 0xe31},
                                            {0xe34, 0xe3a},
                                            {0x200b, 0x200f},
                                            {0x20d0, 0x20ff},
                                            {0xfe00, 0xfe0f},
                                            {0xfe20, 0xfe2f}}};

constexpr std::array<Range, 9> kWide{{{0x1100, 0x115f},
                                      {0x2e80, 0x303e},
                                      {0x3041, 0xa4cf},
                                      {0xac00, 0xd7a3},
                                      {0xf900, 0xfaff},
                                      {0xfe30, 0xfe6f},
                                      {0xff00, 0xff60},
                                      {0x1f300, 0x1faff},
                                      {0x20000, 0x3fffd}}};

template <std::size_t N>
bool within(const std::array<Range, N>& ranges, char32_t c) {
  for (const auto& [first, last] : ranges) {
    if (c >= first && c <= last) return true;
  }
  return false;
}

// Calls `use` with each code point of valid UTF-8 and its bytes.
template <class Use>
void each_character(std::string_view text, Use use) {
  for (std::size_t at = 0; at < text.size();) {
    const auto lead = static_cast<std::uint8_t>(text[at]);
    const std::size_t length = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
    char32_t c = length == 1 ? lead : lead & (0x7fu >> length);
    for (std::size_t i = 1; i < length; ++i) c = (c << 6) | (static_cast<std::uint8_t>(text[at + i]) & 0x3f);
    use(c, text.substr(at, length));
    at += length;
  }
}

std::string formatted(const char* format, unsigned value) {
  char buffer[24];
  std::snprintf(buffer, sizeof buffer, format, value);
  return buffer;
}

std::string utf8_of_picture(char32_t control) {
  const char32_t c = control == 0x7f ? 0x2421 : 0x2400 + control;  // the block "Control Pictures"
  return {static_cast<char>(0xe0 | (c >> 12)), static_cast<char>(0x80 | ((c >> 6) & 0x3f)),
          static_cast<char>(0x80 | (c & 0x3f))};
}

}  // namespace

std::string visible_text(std::string_view bytes) {
  std::string result;
  result.reserve(bytes.size());
  each_character(to_valid_utf8(bytes), [&result](char32_t c, std::string_view character) {
    if (c == '\n' || c == '\t') {
      result += character;
    } else if (c < 0x20 || c == 0x7f) {
      result += utf8_of_picture(c);
    } else if (within(kUnsafe, c)) {
      result += formatted("\\u{%x}", static_cast<unsigned>(c));
    } else {
      result += character;
    }
  });
  return result;
}

std::string visible_line(std::string_view bytes) { return visible_text(on_one_line(to_valid_utf8(bytes))); }

std::string visible_json(std::string_view json) {
  std::string result;
  result.reserve(json.size());
  each_character(to_valid_utf8(json), [&result](char32_t c, std::string_view character) {
    if (c != 0x7f && !within(kUnsafe, c)) {
      result += character;
    } else if (c < 0x10000) {
      result += formatted("\\u%04x", static_cast<unsigned>(c));
    } else {
      result += formatted("\\u%04x", 0xd800 + static_cast<unsigned>((c - 0x10000) >> 10));
      result += formatted("\\u%04x", 0xdc00 + static_cast<unsigned>((c - 0x10000) & 0x3ff));
    }
  });
  return result;
}

std::size_t display_width(std::string_view text) {
  std::size_t columns = 0;
  each_character(to_valid_utf8(text), [&columns](char32_t c, std::string_view) {
    if (!within(kZeroWidth, c)) columns += within(kWide, c) ? 2 : 1;
  });
  return columns;
}

}  // namespace retort
