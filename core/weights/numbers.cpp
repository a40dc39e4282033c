#include "core/weights/numbers.h"

#include <array>
#include <bit>
#include <cmath>
#include <cstring>

#include "core/base/assert.h"

namespace retort {
namespace {

static_assert(std::endian::native == std::endian::little);

constexpr std::array<NumbersLayout, 13> kLayouts = {{{"F32", 1, 4},
                                                     {"F16", 1, 2},
                                                     {"BF16", 1, 2},
                                                     {"Q4_0", 32, 18},
                                                     {"Q4_1", 32, 20},
                                                     {"Q5_0", 32, 22},
                                                     {"Q5_1", 32, 24},
                                                     {"Q8_0", 32, 34},
                                                     {"Q2_K", 256, 84},
                                                     {"Q3_K", 256, 110},
                                                     {"Q4_K", 256, 144},
                                                     {"Q5_K", 256, 176},
                                                     {"Q6_K", 256, 210}}};

std::uint16_t u16_at(const unsigned char* bytes) { return static_cast<std::uint16_t>(bytes[0] | bytes[1] << 8); }

float bf16_to_float(std::uint16_t value) { return std::bit_cast<float>(static_cast<std::uint32_t>(value) << 16); }

std::uint16_t float_to_bf16(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  if (std::isnan(value)) return static_cast<std::uint16_t>((bits >> 16) | 0x40);
  return static_cast<std::uint16_t>((bits + 0x7fff + ((bits >> 16) & 1)) >> 16);
}

// Blocks of 32: scale, perhaps an offset, perhaps fifth bits, then the numbers: the first half of the block in the low
// halves of the bytes, the second in the high ones.
void nibbles_to_floats(Numbers numbers, const unsigned char* block, float* out) {
  const bool offset = numbers == Numbers::q4_1 || numbers == Numbers::q5_1;
  const bool five = numbers == Numbers::q5_0 || numbers == Numbers::q5_1;
  const float scale = half_to_float(u16_at(block));
  const float base = offset ? half_to_float(u16_at(block + 2)) : 0;
  const unsigned char* rest = block + (offset ? 4 : 2);
  std::uint32_t fifth = 0;
  if (five) {
    std::memcpy(&fifth, rest, 4);
    rest += 4;
  }
  const int middle = offset ? 0 : five ? 16 : 8;
  for (int i = 0; i < 16; ++i) {
    const int low = (rest[i] & 15) | static_cast<int>(fifth >> i & 1) << 4;
    const int high = rest[i] >> 4 | static_cast<int>(fifth >> (i + 16) & 1) << 4;
    out[i] = static_cast<float>(low - middle) * scale + base;
    out[i + 16] = static_cast<float>(high - middle) * scale + base;
  }
}

void block_to_floats(Numbers numbers, const unsigned char* block, float* out) {
  switch (numbers) {
    case Numbers::f32:
      std::memcpy(out, block, 4);
      return;
    case Numbers::f16:
      *out = half_to_float(u16_at(block));
      return;
    case Numbers::bf16:
      *out = bf16_to_float(u16_at(block));
      return;
    case Numbers::q8_0:
      for (int i = 0; i < 32; ++i)
        out[i] = half_to_float(u16_at(block)) * static_cast<float>(static_cast<signed char>(block[2 + i]));
      return;
    case Numbers::q4_0:
    case Numbers::q4_1:
    case Numbers::q5_0:
    case Numbers::q5_1:
      return nibbles_to_floats(numbers, block, out);
    default:
      return k_block_to_floats(numbers, block, out);
  }
}

void append_u16(std::string& out, std::uint16_t value) {
  out += static_cast<char>(value & 0xff);
  out += static_cast<char>(value >> 8);
}

void append_q8(const float* values, std::string& out) {
  float largest = 0;
  for (int i = 0; i < 32; ++i) largest = std::max(largest, std::fabs(values[i]));
  const float scale = largest / 127, inverse = scale > 0 ? 1 / scale : 0;
  append_u16(out, float_to_half(scale));
  for (int i = 0; i < 32; ++i) out += static_cast<char>(static_cast<signed char>(std::round(values[i] * inverse)));
}

}  // namespace

const NumbersLayout& layout_of(Numbers numbers) { return kLayouts[static_cast<std::size_t>(numbers)]; }

std::optional<std::size_t> bytes_of(Numbers numbers, std::size_t count) {
  const NumbersLayout& layout = layout_of(numbers);
  std::size_t bytes = 0;
  if (count % layout.block != 0 || __builtin_mul_overflow(count / layout.block, layout.bytes, &bytes))
    return std::nullopt;
  return bytes;
}

void to_floats(Numbers numbers, std::string_view bytes, std::size_t count, float* out) {
  RETORT_ASSERT(bytes_of(numbers, count) == bytes.size());
  if (numbers == Numbers::f32) {
    if (count > 0) std::memcpy(out, bytes.data(), bytes.size());
    return;
  }
  const NumbersLayout& layout = layout_of(numbers);
  const auto* block = reinterpret_cast<const unsigned char*>(bytes.data());
  for (std::size_t i = 0; i < count; i += layout.block, block += layout.bytes) block_to_floats(numbers, block, out + i);
}

void from_floats(Numbers numbers, const float* values, std::size_t count, std::string& out) {
  RETORT_ASSERT(bytes_of(numbers, count).has_value());
  switch (numbers) {
    case Numbers::f32:
      out.append(reinterpret_cast<const char*>(values), count * sizeof(float));
      return;
    case Numbers::f16:
      for (std::size_t i = 0; i < count; ++i) append_u16(out, float_to_half(values[i]));
      return;
    case Numbers::bf16:
      for (std::size_t i = 0; i < count; ++i) append_u16(out, float_to_bf16(values[i]));
      return;
    case Numbers::q8_0:
      for (std::size_t i = 0; i < count; i += 32) append_q8(values + i, out);
      return;
    default:
      RETORT_ASSERT(false && "numbers of this kind are only read");
  }
}

float half_to_float(std::uint16_t half) {
  const std::uint32_t sign = static_cast<std::uint32_t>(half & 0x8000) << 16;
  const std::uint32_t exponent = half >> 10 & 31, fraction = half & 1023;
  if (exponent == 0) {
    const float small = std::ldexp(static_cast<float>(fraction), -24);
    return sign != 0 ? -small : small;
  }
  const std::uint32_t wide = exponent == 31 ? 255 : exponent + 112;
  return std::bit_cast<float>(sign | wide << 23 | fraction << 13);
}

std::uint16_t float_to_half(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  const auto sign = static_cast<std::uint16_t>(bits >> 16 & 0x8000);
  const float size = std::fabs(value);
  if (std::isnan(value)) return static_cast<std::uint16_t>(sign | 0x7e00);
  if (size >= 65520.0F) return static_cast<std::uint16_t>(sign | 0x7c00);
  if (size < 0x1.0p-14F)  // below the normal halves: multiples of 2^-24
    return static_cast<std::uint16_t>(sign | static_cast<std::uint16_t>(std::nearbyint(std::ldexp(size, 24))));
  const std::uint32_t rounded = (bits & 0x7fffffff) + 0xfff + (bits >> 13 & 1);
  return static_cast<std::uint16_t>(sign | static_cast<std::uint16_t>((rounded - (112U << 23)) >> 13));
}

}  // namespace retort
