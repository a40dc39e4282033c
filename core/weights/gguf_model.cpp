#include "core/weights/gguf_model.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

namespace retort {
namespace {

struct NamePair {
  std::string_view ours, theirs;
};
constexpr std::array<NamePair, 3> kWhole = {
    {{"model.embed_tokens", "token_embd"}, {"model.norm", "output_norm"}, {"lm_head", "output"}}};
constexpr std::array<NamePair, 11> kInLayer = {{{"input_layernorm", "attn_norm"},
                                                {"self_attn.q_proj", "attn_q"},
                                                {"self_attn.k_proj", "attn_k"},
                                                {"self_attn.v_proj", "attn_v"},
                                                {"self_attn.o_proj", "attn_output"},
                                                {"self_attn.q_norm", "attn_q_norm"},
                                                {"self_attn.k_norm", "attn_k_norm"},
                                                {"post_attention_layernorm", "ffn_norm"},
                                                {"mlp.gate_proj", "ffn_gate"},
                                                {"mlp.up_proj", "ffn_up"},
                                                {"mlp.down_proj", "ffn_down"}}};
constexpr std::string_view kOurLayer = "model.layers.", kTheirLayer = "blk.", kRopeFactors = "rope_freqs.weight";

Failure refused(const std::string& what) { return fail(Errc::usage, "GGUF: " + what); }

// One way or the other: names differ in a prefix before the layer's number and in what follows it.
std::string translated(std::string_view name, bool to_gguf) {
  const std::size_t dot = name.rfind('.');
  if (dot == std::string_view::npos) return {};
  const std::string_view stem = name.substr(0, dot), kind = name.substr(dot);  // .weight or .bias
  const auto from = [&](const NamePair& pair) { return to_gguf ? pair.ours : pair.theirs; };
  const auto to = [&](const NamePair& pair) { return to_gguf ? pair.theirs : pair.ours; };
  for (const NamePair& pair : kWhole) {
    if (stem == from(pair)) return std::string(to(pair)) + std::string(kind);
  }
  const std::string_view prefix = to_gguf ? kOurLayer : kTheirLayer;
  if (!stem.starts_with(prefix)) return {};
  const std::string_view rest = stem.substr(prefix.size());
  const std::size_t end = rest.find('.');
  if (end == std::string_view::npos) return {};
  for (const NamePair& pair : kInLayer) {
    if (rest.substr(end + 1) != from(pair)) continue;
    return std::string(to_gguf ? kTheirLayer : kOurLayer) + std::string(rest.substr(0, end + 1)) +
           std::string(to(pair)) + std::string(kind);
  }
  return {};
}

// The file has the divisors only. Published models of Llama 3.1 to 3.3 have one of two scalings: which it is shows.
Result<RopeScaling> scaling_from_factors(const StoredTensor& tensor, const ModelConfig& config) {
  std::vector<float> factors(tensor.count());
  read_floats(tensor, factors.data());
  for (const double factor : {8.0, 32.0}) {
    ModelConfig candidate = config;
    candidate.rope = {RopeScaling::Kind::llama3, factor, 8192, 1, 4};
    const std::vector<float> wanted = gguf_rope_factors(candidate);
    if (std::equal(factors.begin(), factors.end(), wanted.begin(), wanted.end(),
                   [](float a, float b) { return std::fabs(a - b) <= 1e-4F * std::fabs(b); }))
      return candidate.rope;
  }
  return refused("rope_freqs.weight is not the scaling of Llama 3.1 or 3.2: read the Hugging Face folder instead");
}

Result<RopeScaling> read_rope(const GgufFile& file, const std::string& prefix, const ModelConfig& config) {
  if (const auto found = file.tensors.find(kRopeFactors); found != file.tensors.end())
    return scaling_from_factors(found->second, config);
  RopeScaling rope;
  const std::string kind = file.text(prefix + "rope.scaling.type");
  if (kind.empty() || kind == "none") return rope;
  if (kind != "linear" && kind != "yarn") return refused("rope scaling '" + kind.substr(0, 40) + "' is not computed");
  rope.kind = kind == "linear" ? RopeScaling::Kind::linear : RopeScaling::Kind::yarn;
  rope.factor = file.number(prefix + "rope.scaling.factor").value_or(0);
  if (kind == "yarn") {
    rope.original_context =
        file.number(prefix + "rope.scaling.original_context_length").value_or(static_cast<double>(config.context));
    rope.beta_fast = file.number(prefix + "rope.scaling.yarn_beta_fast").value_or(32);
    rope.beta_slow = file.number(prefix + "rope.scaling.yarn_beta_slow").value_or(1);
  }
  return rope;
}

std::uint32_t file_type(Numbers numbers) {
  switch (numbers) {
    case Numbers::f32:
      return 0;
    case Numbers::f16:
      return 1;
    case Numbers::bf16:
      return 32;
    default:
      return 7;  // mostly Q8_0
  }
}

// Written with seven digits: 1e-5 came as the nearest float.
double as_written(double value) {
  std::array<char, 32> text{};
  const auto end = std::to_chars(text.data(), text.data() + text.size(), static_cast<float>(value));
  double read = value;
  std::from_chars(text.data(), end.ptr, read);
  return read;
}

}  // namespace

std::string gguf_name(std::string_view hugging_face_name) { return translated(hugging_face_name, true); }

Result<ModelConfig> config_from_gguf(const GgufFile& file) {
  ModelConfig c;
  const std::string architecture = file.text("general.architecture");
  bool known = false;
  for (const Family family : {Family::llama, Family::qwen2, Family::qwen3}) {
    if (architecture != name_of(family)) continue;
    c.family = family;
    known = true;
  }
  if (!known)
    return refused("architecture '" + architecture.substr(0, 40) + "' is not known: llama, qwen2 and qwen3 are");
  const std::string prefix = architecture + ".";
  const auto count = [&](const char* key) { return file.count(prefix + key).value_or(0); };
  if (count("expert_count") > 0) return refused("models with experts are not computed");
  c.width = count("embedding_length");
  c.feed_forward = count("feed_forward_length");
  c.layers = count("block_count");
  c.heads = count("attention.head_count");
  c.kv_heads = file.count(prefix + "attention.head_count_kv").value_or(c.heads);
  c.head_width = file.count(prefix + "attention.key_length").value_or(c.heads > 0 ? c.width / c.heads : 0);
  c.context = count("context_length");
  c.norm_epsilon = as_written(file.number(prefix + "attention.layer_norm_rms_epsilon").value_or(0));
  c.rope_theta = as_written(file.number(prefix + "rope.freq_base").value_or(10000));
  if (file.count(prefix + "rope.dimension_count").value_or(c.head_width) != c.head_width ||
      file.count(prefix + "attention.value_length").value_or(c.head_width) != c.head_width)
    return refused("heads whose keys, values and rotation differ in width are not computed");
  const auto has = [&](const char* name) { return file.tensors.contains(name); };
  const auto embedding = file.tensors.find("token_embd.weight");
  if (embedding == file.tensors.end() || embedding->second.shape.size() != 2)
    return refused("there is no token_embd.weight");
  c.vocabulary = embedding->second.shape[0];
  c.tied = !has("output.weight");
  c.qkv_bias = has("blk.0.attn_q.bias");
  c.output_bias = has("blk.0.attn_output.bias");
  c.feed_forward_bias = has("blk.0.ffn_gate.bias");
  c.qk_norm = has("blk.0.attn_q_norm.weight");
  c.begin_token = file.count("tokenizer.ggml.bos_token_id").value_or(-1);
  c.end_token = file.count("tokenizer.ggml.eos_token_id").value_or(-1);
  if (const auto turn = file.count("tokenizer.ggml.eot_token_id"); turn && *turn != c.end_token)
    c.other_end_tokens = {*turn};
  const auto checked = check_config(c);
  if (!checked) return fail(checked.error());
  const auto rope = read_rope(file, prefix, c);
  if (!rope) return fail(rope.error());
  c.rope = *rope;
  if (auto again = check_config(c); !again) return fail(again.error());
  return c;
}

Result<TensorMap> tensors_from_gguf(const GgufFile& file, const ModelConfig& config) {
  TensorMap tensors;
  for (const auto& [name, tensor] : file.tensors) {
    if (name == kRopeFactors) continue;
    std::string ours = translated(name, false);
    if (ours.empty()) return refused("tensor '" + name.substr(0, 80) + "' is none of such a model");
    StoredTensor found = tensor;
    if (config.family == Family::llama) {
      const bool q = ours.find("q_proj") != std::string::npos, k = ours.find("k_proj") != std::string::npos;
      const std::int64_t heads = q ? config.heads : k ? config.kv_heads : 0;
      if (heads > 0 && (found.shape.empty() || found.shape[0] != heads * config.head_width))
        return refused("tensor '" + name.substr(0, 80) + "' has another shape than the metadata say");
      found.interleaved_heads = heads;
    }
    tensors.emplace(std::move(ours), std::move(found));
  }
  return tensors;
}

std::vector<float> gguf_rope_factors(const ModelConfig& config) {
  ModelConfig plain = config;
  plain.rope = {};
  const auto usual = rope_frequencies(plain).per_pair, scaled = rope_frequencies(config).per_pair;
  std::vector<float> factors;
  for (std::size_t i = 0; i < usual.size(); ++i) factors.push_back(static_cast<float>(usual[i] / scaled[i]));
  return factors;
}

GgufMetadata gguf_metadata(const ModelConfig& c, const std::string& name, Numbers numbers) {
  const std::string prefix = std::string(name_of(c.family)) + ".";
  const auto u32 = [](std::int64_t value) { return static_cast<std::uint32_t>(value); };
  GgufMetadata all = {{"general.architecture", std::string(name_of(c.family))},
                      {"general.type", std::string("model")},
                      {"general.name", name},
                      {"general.quantization_version", u32(2)},
                      {"general.file_type", file_type(numbers)}};
  const auto add = [&](const char* key, GgufValue value) { all.emplace_back(prefix + key, std::move(value)); };
  add("vocab_size", u32(c.vocabulary));
  add("context_length", u32(c.context));
  add("embedding_length", u32(c.width));
  add("block_count", u32(c.layers));
  add("feed_forward_length", u32(c.feed_forward));
  add("attention.head_count", u32(c.heads));
  add("attention.head_count_kv", u32(c.kv_heads));
  add("attention.key_length", u32(c.head_width));
  add("attention.value_length", u32(c.head_width));
  add("attention.layer_norm_rms_epsilon", static_cast<float>(c.norm_epsilon));
  add("rope.dimension_count", u32(c.head_width));
  add("rope.freq_base", static_cast<float>(c.rope_theta));
  if (c.rope.kind == RopeScaling::Kind::linear || c.rope.kind == RopeScaling::Kind::yarn) {
    add("rope.scaling.type", std::string(c.rope.kind == RopeScaling::Kind::linear ? "linear" : "yarn"));
    add("rope.scaling.factor", static_cast<float>(c.rope.factor));
    if (c.rope.kind == RopeScaling::Kind::yarn)
      add("rope.scaling.original_context_length", u32(std::llround(c.rope.original_context)));
  }
  return all;
}

}  // namespace retort
