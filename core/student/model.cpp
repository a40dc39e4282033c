#include "core/student/model.h"

#include "core/student/functions.h"
#include "core/student/recompute.h"

namespace retort {
namespace {

at::Tensor cast(const at::Tensor& tensor, at::ScalarType type) {
  return tensor.scalar_type() == type ? tensor : tensor.to(type);
}

// One sample after another: no sample's scores are computed against another's keys, let alone masked.
at::Tensor attend_apart(const std::vector<Segment>& segments, const at::Tensor& q, const at::Tensor& k,
                        const at::Tensor& v) {
  std::vector<at::Tensor> rows;
  std::size_t next = 0;
  for (std::int64_t row = 0; row < q.size(0); ++row) {
    std::vector<at::Tensor> parts;
    std::int64_t end = 0;
    for (; next < segments.size() && segments[next].row == row; ++next) {
      const auto part = [&](const at::Tensor& all) {
        return all.narrow(0, row, 1).narrow(2, segments[next].begin, segments[next].length);
      };
      parts.push_back(causal_attention(part(q), part(k), part(v)));
      end = segments[next].begin + segments[next].length;
    }
    if (end < q.size(2)) parts.push_back(at::zeros({1, q.size(1), q.size(2) - end, q.size(3)}, q.options()));
    rows.push_back(at::cat(parts, 2));
  }
  return at::cat(rows, 0);
}

}  // namespace

at::Tensor Model::apply(const at::Tensor& x, const Linear& linear, std::size_t which) const {
  std::optional<std::uint64_t> seed;
  if (dropout_seed_) seed = *dropout_seed_ + (which + 1) * 0x9e3779b97f4a7c15ULL;
  return apply_linear(x, linear, options_.compute, options_.lora, seed);
}

at::Tensor Model::mix(std::size_t index, const at::Tensor& x, const Positions& positions, const Attend& attend) const {
  const Layer& layer = layers_[index];
  const ModelConfig& c = config_;
  const std::int64_t rows = x.size(0), time = x.size(1), both = c.heads + c.kv_heads;
  const at::Tensor qkv = apply(rms_norm(x, layer.attention_norm, c.norm_epsilon), layer.qkv, 4 * index)
                             .view({rows, time, c.heads + 2 * c.kv_heads, c.head_width});
  at::Tensor q, k;
  if (c.qk_norm) {
    const auto turned = [&](std::int64_t from, std::int64_t heads, const at::Tensor& norm) {
      const at::Tensor part = cast(qkv.narrow(2, from, heads), at::kFloat);
      return cast(rotate(rms_norm(part, norm, c.norm_epsilon), positions.cos, positions.sin), options_.compute)
          .transpose(1, 2);
    };
    q = turned(0, c.heads, layer.q_norm);
    k = turned(c.heads, c.kv_heads, layer.k_norm);
  } else {
    const at::Tensor part = cast(qkv.narrow(2, 0, both), at::kFloat);
    const at::Tensor qk = cast(rotate(part, positions.cos, positions.sin), options_.compute).transpose(1, 2);
    q = qk.narrow(1, 0, c.heads);
    k = qk.narrow(1, c.heads, c.kv_heads);
  }
  const at::Tensor v = qkv.narrow(2, both, c.kv_heads).transpose(1, 2);
  const at::Tensor mixed = attend(index, q, k, v).transpose(1, 2).reshape({rows, time, c.heads * c.head_width});
  return apply(mixed, layer.output, 4 * index + 1);
}

at::Tensor Model::run_layer(std::size_t index, const at::Tensor& x, const Positions& positions,
                            const Attend& attend) const {
  const Layer& layer = layers_[index];
  const at::Tensor mixed = x + mix(index, x, positions, attend);
  const at::Tensor gate_up =
      apply(rms_norm(mixed, layer.feed_forward_norm, config_.norm_epsilon), layer.gate_up, 4 * index + 2);
  return mixed + apply(swiglu(gate_up), layer.down, 4 * index + 3);
}

at::Tensor Model::run(const at::Tensor& tokens, const Positions& positions, const Attend& attend) const {
  at::Tensor x = at::embedding(embedding_, tokens);
  const bool recompute = options_.recompute && at::GradMode::is_enabled();
  for (std::size_t i = 0; i < layers_.size(); ++i) {
    // By value: the layer runs again after this call has returned.
    x = recompute ? recomputed([this, i, positions,
                                attend](const at::Tensor& in) { return run_layer(i, in, positions, attend); },
                               x, anchor_)
                  : run_layer(i, x, positions, attend);
  }
  return rms_norm(x, final_norm_, config_.norm_epsilon);
}

at::Tensor Model::hidden(const at::Tensor& tokens) const {
  const std::int64_t time = tokens.size(1);
  const auto at_places = [&](const at::Tensor& table) { return table.narrow(0, 0, time).view({1, time, 1, -1}); };
  return run(tokens, {at_places(cos_), at_places(sin_)},
             [](std::size_t, const at::Tensor& q, const at::Tensor& k, const at::Tensor& v) {
               return causal_attention(q, k, v);
             });
}

at::Tensor Model::hidden(const at::Tensor& tokens, const std::vector<Segment>& segments) const {
  const std::int64_t rows = tokens.size(0), time = tokens.size(1);
  const at::Tensor places = at::zeros({rows, time}, at::kLong);
  for (const Segment& segment : segments) {
    auto* place = places.data_ptr<std::int64_t>() + segment.row * time + segment.begin;
    for (std::int64_t i = 0; i < segment.length; ++i) place[i] = i;
  }
  const at::Tensor known = places.flatten().to(device_);
  const auto at_places = [&](const at::Tensor& table) {
    return table.index_select(0, known).view({rows, time, 1, -1});
  };
  return run(tokens, {at_places(cos_), at_places(sin_)},
             [segments](std::size_t, const at::Tensor& q, const at::Tensor& k, const at::Tensor& v) {
               return attend_apart(segments, q, k, v);
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
  at::Tensor result = run(tokens, {at_places(cos_), at_places(sin_)},
                          [&](std::size_t layer, const at::Tensor& q, const at::Tensor& k, const at::Tensor& v) {
                            cache.keys[layer].scatter_(2, target, k);
                            cache.values[layer].scatter_(2, target, v);
                            return masked_attention(q, cache.keys[layer].narrow(2, 0, used),
                                                    cache.values[layer].narrow(2, 0, used), visible);
                          });
  cache.lengths = cache.lengths + counts;
  return result;
}

at::Tensor Model::logits(const at::Tensor& hidden) const {
  return cast(at::linear(cast(hidden, options_.compute), cast(head_, options_.compute)), at::kFloat);
}

KvCache Model::make_cache(std::int64_t rows, std::int64_t room) const {
  KvCache cache;
  const auto options = base_.values.options().dtype(options_.compute);
  for (std::int64_t i = 0; i < config_.layers; ++i) {
    cache.keys.push_back(at::zeros({rows, config_.kv_heads, room, config_.head_width}, options));
    cache.values.push_back(at::zeros({rows, config_.kv_heads, room, config_.head_width}, options));
  }
  cache.lengths = at::zeros({rows}, options.dtype(at::kLong));
  return cache;
}

}  // namespace retort
