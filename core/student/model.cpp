#include "core/student/model.h"

#include <cmath>
#include <numbers>

#include "core/base/random.h"
#include "core/student/functions.h"

namespace retort {
namespace {

constexpr std::int64_t kAlignment = 16;  // floats: one cache line

struct Place {
  at::Tensor* tensor;
  std::vector<std::int64_t> shape;
  bool decays;
};

std::int64_t floats_of(const std::vector<std::int64_t>& shape) {
  std::int64_t count = 1;
  for (const std::int64_t size : shape) count *= size;
  return (count + kAlignment - 1) / kAlignment * kAlignment;
}

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

}  // namespace

Model::Model(const ModelConfig& config, at::Device device)
    : config_(config), device_(device), layers_(static_cast<std::size_t>(config.layers)) {
  const ModelConfig& c = config_;
  const std::int64_t attended = c.heads * c.head_width;
  std::vector<Place> places;
  for (Layer& layer : layers_) {
    places.push_back({&layer.qkv, {attended + 2 * c.kv_heads * c.head_width, c.width}, true});
    places.push_back({&layer.output, {c.width, attended}, true});
    places.push_back({&layer.gate_up, {2 * c.feed_forward, c.width}, true});
    places.push_back({&layer.down, {c.width, c.feed_forward}, true});
  }
  if (!c.tied) places.push_back({&head_, {c.vocabulary, c.width}, true});
  places.push_back({&embedding_, {c.vocabulary, c.width}, false});
  for (Layer& layer : layers_) {
    places.push_back({&layer.attention_norm, {c.width}, false});
    places.push_back({&layer.feed_forward_norm, {c.width}, false});
  }
  places.push_back({&final_norm_, {c.width}, false});

  std::int64_t total = 0;
  for (const Place& place : places) {
    total += floats_of(place.shape);
    if (place.decays) decayed_ = total;
  }
  flat_ = at::zeros({total}, at::TensorOptions().dtype(at::kFloat).device(device));
  flat_gradients_ = at::zeros_like(flat_);
  std::int64_t at_float = 0;
  for (const Place& place : places) {
    const auto view = [&](const at::Tensor& flat) {
      std::int64_t count = 1;
      for (const std::int64_t size : place.shape) count *= size;
      return flat.narrow(0, at_float, count).view(place.shape).detach();
    };
    *place.tensor = view(flat_).set_requires_grad(true);
    place.tensor->mutable_grad() = view(flat_gradients_);
    at_float += floats_of(place.shape);
  }
  if (c.tied) head_ = embedding_;

  const at::Tensor exponents = at::arange(0, c.head_width, 2, at::kDouble).div(static_cast<double>(c.head_width));
  const at::Tensor angles =
      at::arange(c.context, at::kDouble).unsqueeze(1) * at::pow(c.rope_theta, exponents).reciprocal();
  cos_ = angles.cos().to(at::kFloat).to(device);
  sin_ = angles.sin().to(at::kFloat).to(device);
}

void Model::initialise(std::uint64_t seed) {
  at::NoGradGuard no_gradients;
  Random random(seed);
  const double usual = 0.02 * std::sqrt(1024.0 / static_cast<double>(config_.width));
  const double into_stream = usual / std::sqrt(2.0 * static_cast<double>(config_.layers));
  for (Layer& layer : layers_) {
    fill_normal(layer.qkv, usual, random);
    fill_normal(layer.output, into_stream, random);
    fill_normal(layer.gate_up, usual, random);
    fill_normal(layer.down, into_stream, random);
    layer.attention_norm.fill_(1);
    layer.feed_forward_norm.fill_(1);
  }
  fill_normal(embedding_, usual, random);
  if (!config_.tied) fill_normal(head_, usual, random);
  final_norm_.fill_(1);
}

at::Tensor Model::run(const at::Tensor& tokens, const at::Tensor& cos, const at::Tensor& sin,
                      const Attend& attend) const {
  const std::int64_t rows = tokens.size(0), time = tokens.size(1);
  const ModelConfig& c = config_;
  at::Tensor x = at::embedding(embedding_, tokens);
  for (std::size_t i = 0; i < layers_.size(); ++i) {
    const Layer& layer = layers_[i];
    const at::Tensor qkv = at::linear(rms_norm(x, layer.attention_norm, c.norm_epsilon), layer.qkv)
                               .view({rows, time, c.heads + 2 * c.kv_heads, c.head_width});
    const at::Tensor qk = rotate(qkv.narrow(2, 0, c.heads + c.kv_heads), cos, sin).transpose(1, 2);
    const at::Tensor v = qkv.narrow(2, c.heads + c.kv_heads, c.kv_heads).transpose(1, 2);
    const at::Tensor mixed = attend(i, qk.narrow(1, 0, c.heads), qk.narrow(1, c.heads, c.kv_heads), v);
    x = x + at::linear(mixed.transpose(1, 2).reshape({rows, time, c.heads * c.head_width}), layer.output);
    x = x +
        at::linear(swiglu(at::linear(rms_norm(x, layer.feed_forward_norm, c.norm_epsilon), layer.gate_up)), layer.down);
  }
  return rms_norm(x, final_norm_, c.norm_epsilon);
}

at::Tensor Model::hidden(const at::Tensor& tokens) const {
  const std::int64_t time = tokens.size(1);
  const auto at_places = [&](const at::Tensor& table) { return table.narrow(0, 0, time).view({1, time, 1, -1}); };
  return run(tokens, at_places(cos_), at_places(sin_),
             [](std::size_t, const at::Tensor& q, const at::Tensor& k, const at::Tensor& v) {
               return causal_attention(q, k, v);
             });
}

at::Tensor Model::hidden(const at::Tensor& tokens, const at::Tensor& counts, KvCache& cache) const {
  at::NoGradGuard no_gradients;
  const std::int64_t rows = tokens.size(0), time = tokens.size(1);
  const at::Tensor steps = at::arange(time, counts.options());
  const at::Tensor places = cache.lengths.unsqueeze(1) + steps;  // [rows, time]
  const at::Tensor known = places.clamp_max(config_.context - 1).flatten();
  const auto at_places = [&](const at::Tensor& table) {
    return table.index_select(0, known).view({rows, time, 1, -1});
  };
  const std::int64_t used = cache.lengths.max().item<std::int64_t>() + time;
  const at::Tensor visible =
      (at::arange(used, counts.options()).view({1, 1, used}) <= places.unsqueeze(2)).unsqueeze(1);
  const at::Tensor target = places.view({rows, 1, time, 1}).expand({rows, config_.kv_heads, time, config_.head_width});
  at::Tensor result = run(tokens, at_places(cos_), at_places(sin_),
                          [&](std::size_t layer, const at::Tensor& q, const at::Tensor& k, const at::Tensor& v) {
                            cache.keys[layer].scatter_(2, target, k);
                            cache.values[layer].scatter_(2, target, v);
                            return masked_attention(q, cache.keys[layer].narrow(2, 0, used),
                                                    cache.values[layer].narrow(2, 0, used), visible);
                          });
  cache.lengths = cache.lengths + counts;
  return result;
}

at::Tensor Model::logits(const at::Tensor& hidden) const { return at::linear(hidden, head_); }

KvCache Model::make_cache(std::int64_t rows, std::int64_t room) const {
  KvCache cache;
  const auto options = flat_.options();
  for (std::int64_t i = 0; i < config_.layers; ++i) {
    cache.keys.push_back(at::zeros({rows, config_.kv_heads, room, config_.head_width}, options));
    cache.values.push_back(at::zeros({rows, config_.kv_heads, room, config_.head_width}, options));
  }
  cache.lengths = at::zeros({rows}, options.dtype(at::kLong));
  return cache;
}

std::vector<NamedTensor> Model::named() const {
  const ModelConfig& c = config_;
  const std::int64_t q = c.heads * c.head_width, kv = c.kv_heads * c.head_width;
  std::vector<NamedTensor> all{{"model.embed_tokens.weight", embedding_.detach()}};
  for (std::size_t i = 0; i < layers_.size(); ++i) {
    const Layer& layer = layers_[i];
    const std::string prefix = "model.layers." + std::to_string(i) + ".";
    const auto add = [&](const char* name, const at::Tensor& tensor) {
      all.push_back({prefix + name + ".weight", tensor});
    };
    const at::Tensor qkv = layer.qkv.detach(), gate_up = layer.gate_up.detach();
    add("input_layernorm", layer.attention_norm.detach());
    add("self_attn.q_proj", qkv.narrow(0, 0, q));
    add("self_attn.k_proj", qkv.narrow(0, q, kv));
    add("self_attn.v_proj", qkv.narrow(0, q + kv, kv));
    add("self_attn.o_proj", layer.output.detach());
    add("post_attention_layernorm", layer.feed_forward_norm.detach());
    add("mlp.gate_proj", gate_up.narrow(0, 0, c.feed_forward));
    add("mlp.up_proj", gate_up.narrow(0, c.feed_forward, c.feed_forward));
    add("mlp.down_proj", layer.down.detach());
  }
  all.push_back({"model.norm.weight", final_norm_.detach()});
  if (!c.tied) all.push_back({"lm_head.weight", head_.detach()});
  return all;
}

}  // namespace retort
