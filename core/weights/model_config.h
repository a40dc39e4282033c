// The shape of a student: a decoder of the families of Llama, Qwen2 and Qwen3 (SmolLM2 is a Llama). Written as
// config.json, as Hugging Face's transformers read it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"

namespace retort {

enum class Family { llama, qwen2, qwen3 };

/// How rotary positions are stretched beyond the context a model was first trained with. Formulas: rope.cpp.
struct RopeScaling {
  enum class Kind { none, linear, llama3, yarn };
  Kind kind = Kind::none;
  double factor = 1;
  double original_context = 0;           ///< llama3, yarn
  double low_frequency = 1;              ///< llama3: low_freq_factor
  double high_frequency = 4;             ///< llama3: high_freq_factor
  double beta_fast = 32, beta_slow = 1;  ///< yarn
  double attention_factor = 0;           ///< yarn; 0: 1 + 0.1·ln(factor)
  bool truncate = true;                  ///< yarn: bounds are whole numbers
  friend bool operator==(const RopeScaling&, const RopeScaling&) = default;
};

struct ModelConfig {
  Family family = Family::llama;
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
  std::int64_t end_token = -1;  ///< ends a turn; -1: none is known
  std::vector<std::int64_t> other_end_tokens;
  std::int64_t begin_token = -1;  ///< as the checkpoint names it; templates decide whether it is written
  RopeScaling rope{};
  bool qkv_bias = false, output_bias = false;  ///< of the attention's projections
  bool feed_forward_bias = false;              ///
  bool qk_norm = false;                        ///< RMSNorm over each head of q and k (Qwen3)

  std::int64_t parameters() const;
  friend bool operator==(const ModelConfig&, const ModelConfig&) = default;
};

/// A student from scratch: "new:micro", or with parts changed "new:micro,layers=6", or by parts alone
/// "new:d=128,layers=4,heads=4". Sizes: nano, micro, mini, small. Parts: d, layers, heads, kv_heads, ff, context, tied.
Result<ModelConfig> parse_student(std::string_view text);

/// Errc::usage with the first thing that cannot be.
Result<void> check_config(const ModelConfig& config);

std::string config_to_json(const ModelConfig& config);
/// Reads what transformers 4 and 5 write; refuses by name what this model does not compute (other families,
/// activations, sliding windows, other kinds of rope scaling).
Result<ModelConfig> config_from_json(std::string_view text);

/// Model type and architecture in config.json, and the name in GGUF, which is the model type too.
std::string_view name_of(Family family);

/// Frequencies of the rotary positions, head_width / 2 of them, with the scaling applied, and the factor that
/// multiplies cos and sin (1 but for yarn).
struct RopeFrequencies {
  std::vector<double> per_pair;
  double magnitude = 1;
};
RopeFrequencies rope_frequencies(const ModelConfig& config);

}  // namespace retort
