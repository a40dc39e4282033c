// How numbers lie in files of weights, and what they are worth: fp32, fp16, bf16 and the blocks of GGUF. Everything is
// little-endian, as the machines are that this is built for.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace retort {

enum class Numbers { f32, f16, bf16, q4_0, q4_1, q5_0, q5_1, q8_0, q2_k, q3_k, q4_k, q5_k, q6_k };

/// Numbers of a block that share scales, and the bytes of such a block.
struct NumbersLayout {
  std::string_view name;  ///< as GGUF and safetensors write it: "F32", "BF16", "Q4_K"
  std::size_t block = 1, bytes = 4;
};
const NumbersLayout& layout_of(Numbers numbers);

/// Bytes of `count` numbers; nothing if they do not fill whole blocks or overflow.
std::optional<std::size_t> bytes_of(Numbers numbers, std::size_t count);

/// `bytes` holds bytes_of(numbers, count) of them; `out` has room for `count`.
void to_floats(Numbers numbers, std::string_view bytes, std::size_t count, float* out);

/// Appends. Only f32, f16, bf16 (nearest, ties to even) and q8_0 (as ggml's reference: scale = largest / 127) are
/// written.
void from_floats(Numbers numbers, const float* values, std::size_t count, std::string& out);

float half_to_float(std::uint16_t half);
std::uint16_t float_to_half(float value);

/// The blocks of 256 that llama.cpp calls K-quants: one block at `block` to 256 numbers.
void k_block_to_floats(Numbers numbers, const unsigned char* block, float* out);

}  // namespace retort
