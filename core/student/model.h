// A Llama-style decoder: RMSNorm, rotary positions, grouped-query attention, SwiGLU, tied or separate output.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "core/student/model_config.h"
#include "core/student/torch.h"

namespace retort {

struct NamedTensor {
  std::string name;  ///< as Hugging Face names it
  at::Tensor tensor;
};

/// Keys and values of what was read so far, for rows of different lengths. Row r holds places 0 … lengths[r]-1;
/// what lies behind is free and is never seen.
struct KvCache {
  std::vector<at::Tensor> keys, values;  ///< per layer [rows, kv heads, room, head width]
  at::Tensor lengths;                    ///< [rows], whole numbers
};

/// All parameters lie in one flat tensor, all gradients in another: the optimiser is a handful of operations on them,
/// and matrices (which decay) come before embeddings and norms (which do not).
class Model {
 public:
  /// Parameters are not initialised: call initialise(), or copy into named().
  Model(const ModelConfig& config, at::Device device);
  Model(const Model&) = delete;
  Model& operator=(const Model&) = delete;

  /// Normal with deviation 0.02·sqrt(…) as documented in docs/student.md; the same on every device.
  void initialise(std::uint64_t seed);

  const ModelConfig& config() const { return config_; }
  at::Device device() const { return device_; }

  /// Final hidden states [rows, time, width] of tokens [rows, time]. Rows may be padded on the right with any token.
  at::Tensor hidden(const at::Tensor& tokens) const;
  /// Goes on from a cache: tokens [rows, time] follow what each row already holds; `counts` [rows] says how many of
  /// them are real. The cache must have room. Without gradients.
  at::Tensor hidden(const at::Tensor& tokens, const at::Tensor& counts, KvCache& cache) const;
  /// Scores [n, vocabulary] of hidden states [n, width].
  at::Tensor logits(const at::Tensor& hidden) const;

  KvCache make_cache(std::int64_t rows, std::int64_t room) const;

  const at::Tensor& parameters() const { return flat_; }
  const at::Tensor& gradients() const { return flat_gradients_; }
  /// How many of the flat parameters, from the beginning, are subject to weight decay.
  std::int64_t decayed() const { return decayed_; }

  /// Views of the parameters under their Hugging Face names: writing into them changes the model.
  std::vector<NamedTensor> named() const;

 private:
  struct Layer {
    at::Tensor qkv, output, gate_up, down, attention_norm, feed_forward_norm;
  };
  using Attend =
      std::function<at::Tensor(std::size_t layer, const at::Tensor& q, const at::Tensor& k, const at::Tensor& v)>;
  at::Tensor run(const at::Tensor& tokens, const at::Tensor& cos, const at::Tensor& sin, const Attend& attend) const;

  ModelConfig config_;
  at::Device device_;
  at::Tensor flat_, flat_gradients_;
  std::int64_t decayed_ = 0;
  std::vector<Layer> layers_;
  at::Tensor embedding_, head_, final_norm_;
  at::Tensor cos_, sin_;  // [context, head width / 2]
};

}  // namespace retort
