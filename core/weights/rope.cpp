// Frequencies of rotary positions and their scalings: position interpolation (Chen et al. 2023, arXiv:2306.15595), the
// one of Llama 3.1, and YaRN (Peng et al. 2023, arXiv:2309.00071), each as transformers computes it.
#include <algorithm>
#include <cmath>
#include <numbers>

#include "core/weights/model_config.h"

namespace retort {
namespace {

constexpr double kTurn = 2 * std::numbers::pi;

void stretch_llama3(const RopeScaling& rope, std::vector<double>& frequencies) {
  const double longest = rope.original_context / rope.low_frequency;
  const double shortest = rope.original_context / rope.high_frequency;
  for (double& frequency : frequencies) {
    const double wave = kTurn / frequency;
    if (wave < shortest) continue;
    const double smooth = wave > longest ? 0
                                         : (rope.original_context / wave - rope.low_frequency) /
                                               (rope.high_frequency - rope.low_frequency);
    frequency = (1 - smooth) * frequency / rope.factor + smooth * frequency;
  }
}

void stretch_yarn(const ModelConfig& c, std::vector<double>& frequencies) {
  const RopeScaling& rope = c.rope;
  const double width = static_cast<double>(c.head_width);
  const auto pair_that_turns = [&](double times) {
    return width * std::log(rope.original_context / (times * kTurn)) / (2 * std::log(c.rope_theta));
  };
  double low = pair_that_turns(rope.beta_fast), high = pair_that_turns(rope.beta_slow);
  if (rope.truncate) {
    low = std::floor(low);
    high = std::ceil(high);
  }
  low = std::max(low, 0.0);
  high = std::min(high, width - 1);
  if (low == high) high += 0.001;
  for (std::size_t i = 0; i < frequencies.size(); ++i) {
    const double interpolated = std::clamp((static_cast<double>(i) - low) / (high - low), 0.0, 1.0);
    frequencies[i] *= interpolated / rope.factor + (1 - interpolated);
  }
}

}  // namespace

RopeFrequencies rope_frequencies(const ModelConfig& c) {
  RopeFrequencies result;
  for (std::int64_t i = 0; i < c.head_width; i += 2)
    result.per_pair.push_back(std::pow(c.rope_theta, -static_cast<double>(i) / static_cast<double>(c.head_width)));
  switch (c.rope.kind) {
    case RopeScaling::Kind::none:
      break;
    case RopeScaling::Kind::linear:
      for (double& frequency : result.per_pair) frequency /= c.rope.factor;
      break;
    case RopeScaling::Kind::llama3:
      stretch_llama3(c.rope, result.per_pair);
      break;
    case RopeScaling::Kind::yarn:
      stretch_yarn(c, result.per_pair);
      result.magnitude = c.rope.attention_factor > 0 ? c.rope.attention_factor : 1 + 0.1 * std::log(c.rope.factor);
      break;
  }
  return result;
}

}  // namespace retort
