#include "core/text/byte_alphabet.h"

#include <array>

namespace retort {
namespace {

constexpr std::size_t kCodePoints = 256 + 68;

constexpr bool stays_itself(int byte) {
  return (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || (byte >= 174 && byte <= 255);
}

struct Alphabet {
  std::array<std::uint16_t, 256> code_point{};
  std::array<std::int16_t, kCodePoints> byte{};

  constexpr Alphabet() {
    for (auto& value : byte) value = -1;
    std::uint16_t next = 256;
    for (std::size_t b = 0; b < 256; ++b) {
      const std::uint16_t point = stays_itself(static_cast<int>(b)) ? static_cast<std::uint16_t>(b) : next++;
      code_point[b] = point;
      byte[point] = static_cast<std::int16_t>(b);
    }
  }
};
constexpr Alphabet kAlphabet;

}  // namespace

std::string to_byte_alphabet(std::string_view bytes) {
  std::string text;
  text.reserve(bytes.size());
  for (const char c : bytes) {
    const std::uint16_t point = kAlphabet.code_point[static_cast<std::uint8_t>(c)];
    if (point < 0x80) {
      text += static_cast<char>(point);
    } else {
      text += static_cast<char>(0xC0 | (point >> 6));
      text += static_cast<char>(0x80 | (point & 0x3F));
    }
  }
  return text;
}

std::optional<std::string> from_byte_alphabet(std::string_view text) {
  std::string bytes;
  bytes.reserve(text.size());
  for (std::size_t at = 0; at < text.size(); ++at) {
    std::size_t point = static_cast<std::uint8_t>(text[at]);
    if (point >= 0x80) {  // the whole alphabet lies below U+0800: two bytes at most
      if (point < 0xC2 || point > 0xDF || at + 1 >= text.size()) return std::nullopt;
      const auto second = static_cast<std::uint8_t>(text[++at]);
      if ((second & 0xC0) != 0x80) return std::nullopt;
      point = ((point & 0x1F) << 6) | (second & 0x3FU);
    }
    if (point >= kCodePoints || kAlphabet.byte[point] < 0) return std::nullopt;
    bytes += static_cast<char>(kAlphabet.byte[point]);
  }
  return bytes;
}

}  // namespace retort
