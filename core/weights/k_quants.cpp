// The K-quants of ggml: 256 numbers in groups whose scales are quantised themselves. Layouts as in ggml-quants.c.
#include <cstring>

#include "core/base/assert.h"
#include "core/weights/numbers.h"

namespace retort {
namespace {

using Byte = unsigned char;

float half_at(const Byte* at) { return half_to_float(static_cast<std::uint16_t>(at[0] | at[1] << 8)); }

void q2_k(const Byte* block, float* out) {
  const Byte *scales = block, *q = block + 16;
  const float d = half_at(block + 80), least = half_at(block + 82);
  for (int half = 0; half < 2; ++half, q += 32) {
    for (int shift = 0; shift < 8; shift += 2) {
      for (int part = 0; part < 2; ++part, ++scales) {
        const float scale = d * static_cast<float>(*scales & 15), base = least * static_cast<float>(*scales >> 4);
        for (int i = 0; i < 16; ++i) *out++ = scale * static_cast<float>(q[part * 16 + i] >> shift & 3) - base;
      }
    }
  }
}

void q3_k(const Byte* block, float* out) {
  const Byte *high = block, *q = block + 32, *packed = block + 96;
  const float d = half_at(block + 108);
  int scales[16];  // six bits each: four low ones in the first eight bytes, two high ones in the last four
  for (int i = 0; i < 16; ++i) {
    const int low = i < 8 ? packed[i] & 15 : packed[i - 8] >> 4;
    scales[i] = (low | (packed[8 + i % 4] >> (i / 4 * 2) & 3) << 4) - 32;
  }
  int group = 0, bit = 0;
  for (int half = 0; half < 2; ++half, q += 32) {
    for (int shift = 0; shift < 8; shift += 2, ++bit) {
      for (int part = 0; part < 2; ++part) {
        const float scale = d * static_cast<float>(scales[group++]);
        for (int i = part * 16; i < part * 16 + 16; ++i)
          *out++ = scale * static_cast<float>((q[i] >> shift & 3) - ((high[i] >> bit & 1) != 0 ? 0 : 4));
      }
    }
  }
}

// Scale and offset of group i, six bits each, as Q4_K and Q5_K pack them into twelve bytes.
void scale_and_least(const Byte* packed, int i, int& scale, int& least) {
  if (i < 4) {
    scale = packed[i] & 63;
    least = packed[i + 4] & 63;
  } else {
    scale = (packed[i + 4] & 15) | packed[i - 4] >> 6 << 4;
    least = packed[i + 4] >> 4 | packed[i] >> 6 << 4;
  }
}

// `high`: the fifth bits of Q5_K, or nullptr.
void q4_or_q5_k(const Byte* block, const Byte* high, const Byte* q, float* out) {
  const float d = half_at(block), d_least = half_at(block + 2);
  for (int group = 0; group < 8; ++group) {
    int scale = 0, least = 0;
    scale_and_least(block + 4, group, scale, least);
    const float factor = d * static_cast<float>(scale), base = d_least * static_cast<float>(least);
    const Byte* numbers = q + group / 2 * 32;
    for (int i = 0; i < 32; ++i) {
      const int low = group % 2 == 0 ? numbers[i] & 15 : numbers[i] >> 4;
      const int fifth = high != nullptr ? (high[i] >> group & 1) << 4 : 0;
      *out++ = factor * static_cast<float>(low + fifth) - base;
    }
  }
}

void q6_k(const Byte* block, float* out) {
  const Byte *low = block, *high = block + 128, *scales = block + 192;
  const float d = half_at(block + 208);
  for (int half = 0; half < 2; ++half, low += 64, high += 32, scales += 8, out += 128) {
    for (int quarter = 0; quarter < 4; ++quarter) {
      for (int i = 0; i < 32; ++i) {
        const Byte byte = low[i + quarter % 2 * 32];
        const int number = ((quarter < 2 ? byte & 15 : byte >> 4) | (high[i] >> quarter * 2 & 3) << 4) - 32;
        const auto scale = static_cast<signed char>(scales[i / 16 + quarter * 2]);
        out[quarter * 32 + i] = d * static_cast<float>(scale) * static_cast<float>(number);
      }
    }
  }
}

}  // namespace

void k_block_to_floats(Numbers numbers, const unsigned char* block, float* out) {
  switch (numbers) {
    case Numbers::q2_k:
      return q2_k(block, out);
    case Numbers::q3_k:
      return q3_k(block, out);
    case Numbers::q4_k:
      return q4_or_q5_k(block, nullptr, block + 16, out);
    case Numbers::q5_k:
      return q4_or_q5_k(block, block + 16, block + 48, out);
    case Numbers::q6_k:
      return q6_k(block, out);
    default:
      RETORT_ASSERT(false && "no K-quant");
  }
}

}  // namespace retort
