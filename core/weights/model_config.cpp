#include "core/weights/model_config.h"

#include <array>
#include <charconv>

namespace retort {
namespace {

struct NamedSize {
  std::string_view name;
  std::int64_t width, layers, heads;
};
constexpr std::array kSizes{NamedSize{"nano", 64, 2, 2}, NamedSize{"micro", 128, 4, 4}, NamedSize{"mini", 192, 5, 6},
                            NamedSize{"small", 256, 6, 8}};

constexpr std::int64_t kLargest = 1 << 24;

Failure unknown(std::string_view part) {
  return fail(Errc::usage, "--student: '" + std::string(part) +
                               "' is no folder, no .gguf file and not known; write new:nano, new:micro, new:mini or "
                               "new:small, or parts such as new:d=128,layers=4,heads=4 (d, layers, heads, kv_heads, "
                               "ff, context, tied)");
}

// The usual 8/3 of the width, so that three matrices cost what two of four widths do, in whole blocks of 32.
std::int64_t usual_feed_forward(std::int64_t width) { return (width * 8 / 3 + 31) / 32 * 32; }

bool named_size(std::string_view part, ModelConfig& config) {
  for (const NamedSize& size : kSizes) {
    if (size.name != part) continue;
    config.width = size.width;
    config.layers = size.layers;
    config.heads = size.heads;
    return true;
  }
  return false;
}

}  // namespace

std::int64_t ModelConfig::parameters() const {
  const std::int64_t attention = width * head_width * (2 * heads + 2 * kv_heads);
  const std::int64_t biases = (qkv_bias ? (heads + 2 * kv_heads) * head_width : 0) + (output_bias ? width : 0) +
                              (feed_forward_bias ? 2 * feed_forward + width : 0) + (qk_norm ? 2 * head_width : 0);
  const std::int64_t layer = attention + 3 * width * feed_forward + 2 * width + biases;
  return vocabulary * width * (tied ? 1 : 2) + layers * layer + width;
}

Result<ModelConfig> parse_student(std::string_view text) {
  constexpr std::string_view kNew = "new:";
  if (!text.starts_with(kNew)) return unknown(text);
  ModelConfig config;
  std::int64_t kv_heads = 0, feed_forward = 0;
  text.remove_prefix(kNew.size());
  for (bool first = true; first || !text.empty(); first = false) {
    const std::string_view part = text.substr(0, text.find(','));
    text.remove_prefix(part.size() < text.size() ? part.size() + 1 : text.size());
    const std::size_t equals = part.find('=');
    if (equals == std::string_view::npos) {
      if (!first || !named_size(part, config)) return unknown(part);
      continue;
    }
    const std::string_view key = part.substr(0, equals), value = part.substr(equals + 1);
    std::int64_t number = -1;
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
    if (error != std::errc() || end != value.data() + value.size() || number < 0 || number > kLargest)
      return unknown(part);
    if (key == "d")
      config.width = number;
    else if (key == "layers")
      config.layers = number;
    else if (key == "heads")
      config.heads = number;
    else if (key == "kv_heads")
      kv_heads = number;
    else if (key == "ff")
      feed_forward = number;
    else if (key == "context")
      config.context = number;
    else if (key == "tied")
      config.tied = number != 0;
    else
      return unknown(part);
  }
  config.kv_heads = kv_heads > 0 ? kv_heads : config.heads;
  config.feed_forward = feed_forward > 0 ? feed_forward : usual_feed_forward(config.width);
  config.head_width = config.heads > 0 ? config.width / config.heads : 0;
  config.vocabulary = 1;  // known once the tokenizer is
  config.end_token = 0;
  if (auto checked = check_config(config); !checked) return fail(checked.error());
  return config;
}

Result<void> check_config(const ModelConfig& c) {
  const auto whole = [](std::int64_t value) { return value > 0 && value <= kLargest; };
  if (!whole(c.vocabulary) || !whole(c.width) || !whole(c.layers) || !whole(c.heads) || !whole(c.kv_heads) ||
      !whole(c.head_width) || !whole(c.feed_forward) || !whole(c.context)) {
    return fail(Errc::usage, "student: every size must be a whole number from 1 to " + std::to_string(kLargest));
  }
  if (c.layers > 1024) return fail(Errc::usage, "student: more than 1024 layers");
  if (c.heads % c.kv_heads != 0) return fail(Errc::usage, "student: kv_heads must divide heads");
  if (c.head_width % 2 != 0)
    return fail(Errc::usage, "student: the width of a head (d/heads) must be even for rotary positions");
  if (c.heads * c.head_width > kLargest) return fail(Errc::usage, "student: heads are too wide");
  if (!(c.norm_epsilon > 0 && c.norm_epsilon < 1) || !(c.rope_theta > 1))
    return fail(Errc::usage, "student: rms_norm_eps or rope_theta out of range");
  if (c.end_token >= c.vocabulary) return fail(Errc::usage, "student: eos_token_id is not in the vocabulary");
  const RopeScaling& rope = c.rope;
  const bool stretched = rope.kind == RopeScaling::Kind::llama3 || rope.kind == RopeScaling::Kind::yarn;
  if (!(rope.factor >= 1 && rope.factor <= 1e6) || (stretched && !(rope.original_context >= 1)) ||
      (rope.kind == RopeScaling::Kind::llama3 && !(rope.high_frequency > rope.low_frequency && rope.low_frequency > 0)))
    return fail(Errc::usage, "student: the numbers of rope_scaling are not valid");
  return {};
}

}  // namespace retort
