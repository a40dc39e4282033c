// The decoder of Llama, Qwen2 and Qwen3: RMSNorm, rotary positions, grouped-query attention, SwiGLU, tied or separate
// output; with biases and norms of q and k where the configuration has them, and adapters where they are learned.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "core/student/flat_parameters.h"
#include "core/student/lora.h"
#include "core/weights/model_config.h"

namespace retort {

struct NamedTensor {
  std::string name;   ///< as Hugging Face names it
  at::Tensor tensor;  ///< a view: writing into it changes the model
  const Linear::Adapter* adapter = nullptr;
};

/// Keys and values of what was read so far, for rows of different lengths. Row r holds places 0 … lengths[r]-1;
/// what lies behind is free and is never seen.
struct KvCache {
  std::vector<at::Tensor> keys, values;  ///< per layer [rows, kv heads, room, head width]
  at::Tensor lengths;                    ///< [rows], whole numbers
};

/// Where a sample lies in a batch. Samples of a row come one after another, from its beginning; what follows the last
/// is padding.
struct Segment {
  std::int64_t row = 0, begin = 0, length = 0;
};

struct ModelOptions {
  LoraSettings lora;
  at::ScalarType compute = at::kFloat;  ///< of matrix products and attention; parameters, norms and the sum are fp32
  bool recompute = false;               ///< activation checkpointing, layer by layer
};

class Model {
 public:
  /// Parameters are not initialised: call initialise(), or copy into named() and call initialise_adapters().
  Model(const ModelConfig& config, at::Device device, ModelOptions options = {});
  Model(const Model&) = delete;
  Model& operator=(const Model&) = delete;

  /// Normal with deviation 0.02·sqrt(…) as documented in docs/student.md; the same on every device.
  void initialise(std::uint64_t seed);
  /// A uniform in ±1/sqrt(in), B zero: the adapters change nothing at first.
  void initialise_adapters(std::uint64_t seed);

  const ModelConfig& config() const { return config_; }
  const ModelOptions& options() const { return options_; }
  at::Device device() const { return device_; }

  /// Final hidden states [rows, time, width] of tokens [rows, time]. Rows may be padded on the right with any token.
  at::Tensor hidden(const at::Tensor& tokens) const;
  /// The same for rows that hold several samples: none sees another, and positions restart with each.
  at::Tensor hidden(const at::Tensor& tokens, const std::vector<Segment>& segments) const;
  /// Goes on from a cache: tokens [rows, time] follow what each row already holds; `counts` [rows] says how many of
  /// them are real. The cache must have room. Without gradients.
  at::Tensor hidden(const at::Tensor& tokens, const at::Tensor& counts, KvCache& cache) const;
  /// Scores [n, vocabulary] of hidden states [n, width], fp32.
  at::Tensor logits(const at::Tensor& hidden) const;
  /// The output matrix.
  const at::Tensor& head() const { return head_; }

  KvCache make_cache(std::int64_t rows, std::int64_t room) const;

  /// What adapters leave out is drawn from this seed from now on; without one, nothing is left out.
  void set_dropout_seed(std::optional<std::uint64_t> seed) { dropout_seed_ = seed; }

  /// What is learned, flat: everything, or the adapters alone.
  const at::Tensor& parameters() const { return learned().values; }
  const at::Tensor& gradients() const { return learned().gradients; }
  /// How many of the flat parameters, from the beginning, are subject to weight decay.
  std::int64_t decayed() const { return learned().decayed; }

  /// Views of the parameters under their Hugging Face names, in the order of tensors_of(config).
  std::vector<NamedTensor> named() const;
  /// A parameter with what its adapter adds, if it has one.
  at::Tensor merged(const NamedTensor& named) const;
  /// The adapters' matrices under PEFT's names.
  std::vector<NamedTensor> adapters() const;

 private:
  struct Layer {
    Linear qkv, output, gate_up, down;
    at::Tensor q_norm, k_norm, attention_norm, feed_forward_norm;
  };
  struct Positions {
    at::Tensor cos, sin;  // broadcast to [rows, time, 1, head width / 2]
  };
  using Attend =
      std::function<at::Tensor(std::size_t layer, const at::Tensor& q, const at::Tensor& k, const at::Tensor& v)>;

  const FlatParameters& learned() const { return options_.lora.on() ? adapters_ : base_; }
  void place_parameters();
  void place_adapters();
  void place_angles();
  at::Tensor apply(const at::Tensor& x, const Linear& linear, std::size_t which) const;
  at::Tensor mix(std::size_t index, const at::Tensor& x, const Positions& positions, const Attend& attend) const;
  at::Tensor run_layer(std::size_t index, const at::Tensor& x, const Positions& positions, const Attend& attend) const;
  at::Tensor run(const at::Tensor& tokens, const Positions& positions, const Attend& attend) const;

  ModelConfig config_;
  ModelOptions options_;
  at::Device device_;
  FlatParameters base_, adapters_;
  std::vector<Layer> layers_;
  at::Tensor embedding_, head_, final_norm_;
  at::Tensor cos_, sin_;  // [context, head width / 2]
  at::Tensor anchor_;     // requires gradients, and nothing else
  std::optional<std::uint64_t> dropout_seed_;
};

}  // namespace retort
