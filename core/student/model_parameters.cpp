// What a model is made of: where its parameters lie, how they begin, and what they are called elsewhere.
#include <cmath>
#include <numbers>

#include "core/base/random.h"
#include "core/student/model.h"

namespace retort {
namespace {

// Normal numbers by Box and Muller from our own generator: libtorch's differ between versions and devices.
void fill_normal(const at::Tensor& target, double deviation, Random& random) {
  at::Tensor values = at::empty(target.sizes(), at::kFloat);
  auto* out = values.data_ptr<float>();
  for (std::int64_t i = 0; i < values.numel(); ++i) {
    const double radius = std::sqrt(-2 * std::log(1 - random.uniform()));
    out[i] = static_cast<float>(deviation * radius * std::cos(2 * std::numbers::pi * random.uniform()));
  }
  target.copy_(values);
}

void fill_uniform(const at::Tensor& target, double bound, Random& random) {
  at::Tensor values = at::empty(target.sizes(), at::kFloat);
  auto* out = values.data_ptr<float>();
  for (std::int64_t i = 0; i < values.numel(); ++i) out[i] = static_cast<float>(bound * (2 * random.uniform() - 1));
  target.copy_(values);
}

}  // namespace

Model::Model(const ModelConfig& config, at::Device device, ModelOptions options)
    : config_(config),
      options_(std::move(options)),
      device_(device),
      layers_(static_cast<std::size_t>(config.layers)),
      anchor_(at::zeros({1}, at::TensorOptions().dtype(at::kFloat).device(device)).set_requires_grad(true)) {
  place_parameters();
  if (options_.lora.on()) place_adapters();
  place_angles();
}

void Model::place_parameters() {
  const ModelConfig& c = config_;
  const std::int64_t attended = c.heads * c.head_width, three = attended + 2 * c.kv_heads * c.head_width;
  std::vector<FlatParameters::Place> places;
  for (Layer& layer : layers_) {
    places.push_back({&layer.qkv.weight, {three, c.width}, true});
    places.push_back({&layer.output.weight, {c.width, attended}, true});
    places.push_back({&layer.gate_up.weight, {2 * c.feed_forward, c.width}, true});
    places.push_back({&layer.down.weight, {c.width, c.feed_forward}, true});
  }
  if (!c.tied) places.push_back({&head_, {c.vocabulary, c.width}, true});
  places.push_back({&embedding_, {c.vocabulary, c.width}, false});
  for (Layer& layer : layers_) {
    const auto add = [&](bool there, at::Tensor& tensor, std::int64_t size) {
      if (there) places.push_back({&tensor, {size}, false});
    };
    add(true, layer.attention_norm, c.width);
    add(true, layer.feed_forward_norm, c.width);
    add(c.qkv_bias, layer.qkv.bias, three);
    add(c.output_bias, layer.output.bias, c.width);
    add(c.feed_forward_bias, layer.gate_up.bias, 2 * c.feed_forward);
    add(c.feed_forward_bias, layer.down.bias, c.width);
    add(c.qk_norm, layer.q_norm, c.head_width);
    add(c.qk_norm, layer.k_norm, c.head_width);
  }
  places.push_back({&final_norm_, {c.width}, false});
  base_ = FlatParameters::allocate(places, device_, !options_.lora.on());
  if (c.tied) head_ = embedding_;
}

void Model::place_adapters() {
  const ModelConfig& c = config_;
  const LoraSettings& lora = options_.lora;
  std::vector<FlatParameters::Place> places;
  for (Layer& layer : layers_) {
    const std::int64_t q = c.heads * c.head_width, kv = c.kv_heads * c.head_width, f = c.feed_forward;
    const auto add = [&](Linear& linear, const char* module, std::int64_t begin, std::int64_t rows) {
      if (lora.targets_module(module)) linear.adapters.push_back({begin, rows, module, {}, {}});
    };
    add(layer.qkv, "q_proj", 0, q);
    add(layer.qkv, "k_proj", q, kv);
    add(layer.qkv, "v_proj", q + kv, kv);
    add(layer.output, "o_proj", 0, c.width);
    add(layer.gate_up, "gate_proj", 0, f);
    add(layer.gate_up, "up_proj", f, f);
    add(layer.down, "down_proj", 0, c.width);
    for (Linear* linear : {&layer.qkv, &layer.output, &layer.gate_up, &layer.down}) {
      for (Linear::Adapter& adapter : linear->adapters) {
        places.push_back({&adapter.a, {lora.rank, linear->weight.size(1)}, true});
        places.push_back({&adapter.b, {adapter.rows, lora.rank}, true});
      }
    }
  }
  adapters_ = FlatParameters::allocate(places, device_, true);
}

void Model::place_angles() {
  const RopeFrequencies rope = rope_frequencies(config_);
  const at::Tensor frequencies = at::tensor(rope.per_pair, at::kDouble);
  const at::Tensor angles = at::arange(config_.context, at::kDouble).unsqueeze(1) * frequencies;
  cos_ = angles.cos().mul_(rope.magnitude).to(at::kFloat).to(device_);
  sin_ = angles.sin().mul_(rope.magnitude).to(at::kFloat).to(device_);
}

void Model::initialise(std::uint64_t seed) {
  at::NoGradGuard no_gradients;
  Random random(seed);
  const double usual = 0.02 * std::sqrt(1024.0 / static_cast<double>(config_.width));
  const double into_stream = usual / std::sqrt(2.0 * static_cast<double>(config_.layers));
  for (Layer& layer : layers_) {
    fill_normal(layer.qkv.weight, usual, random);
    fill_normal(layer.output.weight, into_stream, random);
    fill_normal(layer.gate_up.weight, usual, random);
    fill_normal(layer.down.weight, into_stream, random);
    layer.attention_norm.fill_(1);
    layer.feed_forward_norm.fill_(1);
    if (config_.qk_norm) {
      layer.q_norm.fill_(1);
      layer.k_norm.fill_(1);
    }
  }
  fill_normal(embedding_, usual, random);
  if (!config_.tied) fill_normal(head_, usual, random);
  final_norm_.fill_(1);
  initialise_adapters(seed);
}

void Model::initialise_adapters(std::uint64_t seed) {
  at::NoGradGuard no_gradients;
  Random random(seed ^ 0x10ca);
  for (Layer& layer : layers_) {
    for (Linear* linear : {&layer.qkv, &layer.output, &layer.gate_up, &layer.down}) {
      for (Linear::Adapter& adapter : linear->adapters) {
        fill_uniform(adapter.a, 1 / std::sqrt(static_cast<double>(adapter.a.size(1))), random);
        adapter.b.zero_();
      }
    }
  }
}

std::vector<NamedTensor> Model::named() const {
  const ModelConfig& c = config_;
  const std::int64_t q = c.heads * c.head_width, kv = c.kv_heads * c.head_width;
  std::vector<NamedTensor> all{{"model.embed_tokens.weight", embedding_.detach()}};
  for (std::size_t i = 0; i < layers_.size(); ++i) {
    const Layer& layer = layers_[i];
    const std::string prefix = "model.layers." + std::to_string(i) + ".";
    const auto add = [&](const std::string& name, const at::Tensor& tensor) {
      all.push_back({prefix + name + ".weight", tensor.detach()});
    };
    const auto add_part = [&](const std::string& group, const std::string& module, const Linear& linear,
                              std::int64_t begin, std::int64_t rows) {
      const Linear::Adapter* adapter = nullptr;
      for (const Linear::Adapter& one : linear.adapters) adapter = one.module == module ? &one : adapter;
      all.push_back({prefix + group + module + ".weight", linear.weight.detach().narrow(0, begin, rows), adapter});
      if (linear.bias.defined())
        all.push_back({prefix + group + module + ".bias", linear.bias.detach().narrow(0, begin, rows)});
    };
    add("input_layernorm", layer.attention_norm);
    add_part("self_attn.", "q_proj", layer.qkv, 0, q);
    add_part("self_attn.", "k_proj", layer.qkv, q, kv);
    add_part("self_attn.", "v_proj", layer.qkv, q + kv, kv);
    add_part("self_attn.", "o_proj", layer.output, 0, c.width);
    if (c.qk_norm) {
      add("self_attn.q_norm", layer.q_norm);
      add("self_attn.k_norm", layer.k_norm);
    }
    add("post_attention_layernorm", layer.feed_forward_norm);
    add_part("mlp.", "gate_proj", layer.gate_up, 0, c.feed_forward);
    add_part("mlp.", "up_proj", layer.gate_up, c.feed_forward, c.feed_forward);
    add_part("mlp.", "down_proj", layer.down, 0, c.width);
  }
  all.push_back({"model.norm.weight", final_norm_.detach()});
  if (!c.tied) all.push_back({"lm_head.weight", head_.detach()});
  return all;
}

at::Tensor Model::merged(const NamedTensor& named) const {
  if (named.adapter == nullptr) return named.tensor;
  at::NoGradGuard no_gradients;
  return named.tensor + named.adapter->b.matmul(named.adapter->a).mul_(options_.lora.scale());
}

std::vector<NamedTensor> Model::adapters() const {
  constexpr std::string_view kWeight = ".weight";
  std::vector<NamedTensor> all;
  for (const NamedTensor& one : named()) {
    if (one.adapter == nullptr) continue;
    const std::string stem = "base_model.model." + one.name.substr(0, one.name.size() - kWeight.size());
    all.push_back({stem + ".lora_A.weight", one.adapter->a.detach()});
    all.push_back({stem + ".lora_B.weight", one.adapter->b.detach()});
  }
  return all;
}

}  // namespace retort
