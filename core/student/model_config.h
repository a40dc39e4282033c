// The shape of a student: a Llama-style decoder. Written as config.json, as Hugging Face's transformers read it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/base/result.h"

namespace retort {

struct ModelConfig {
  std::int64_t vocabulary = 0;    ///< tokens
  std::int64_t width = 128;       ///< of the residual stream
  std::int64_t layers = 4;        ///
  std::int64_t heads = 4;         ///< of queries
  std::int64_t kv_heads = 4;      ///< of keys and values; divides `heads`
  std::int64_t head_width = 32;   ///< even
  std::int64_t feed_forward = 0;  ///< width of the SwiGLU
  std::int64_t context = 512;     ///< longest row, tokens
  double norm_epsilon = 1e-5;
  double rope_theta = 10000;
  bool tied = true;             ///< one matrix for embedding and output
  std::int64_t end_token = -1;  ///< ends a turn

  std::int64_t parameters() const;
  friend bool operator==(const ModelConfig&, const ModelConfig&) = default;
};

/// A student from scratch: "new:micro", or with parts changed "new:micro,layers=6", or by parts alone
/// "new:d=128,layers=4,heads=4". Sizes: nano, micro, mini, small. Parts: d, layers, heads, kv_heads, ff, context, tied.
Result<ModelConfig> parse_student(std::string_view text);

/// Errc::usage with the first thing that cannot be.
Result<void> check_config(const ModelConfig& config);

std::string config_to_json(const ModelConfig& config);
/// Reads what transformers 4 and 5 write; refuses what this model does not compute (biases, rope scaling, other
/// activations).
Result<ModelConfig> config_from_json(std::string_view text);

}  // namespace retort
