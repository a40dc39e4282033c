// config.json, as transformers 4 and 5 write it.
#include <cmath>

#include "core/base/json.h"
#include "core/weights/model_config.h"

namespace retort {
namespace {

struct FamilyNames {
  std::string_view type;
  const char* architecture;
};
constexpr FamilyNames kFamilies[] = {
    {"llama", "LlamaForCausalLM"}, {"qwen2", "Qwen2ForCausalLM"}, {"qwen3", "Qwen3ForCausalLM"}};
constexpr const char* kRopeKinds[] = {"default", "linear", "llama3", "yarn"};

Failure refused(const std::string& what) { return fail(Errc::usage, "config.json: " + what); }

double real(const Json& object, const char* key, double otherwise) {
  const Json value = object.is_object() ? object.value(key, Json()) : Json();
  return value.is_number() ? value.get<double>() : otherwise;
}
bool is_true(const Json& object, const char* key) { return object.value(key, Json(false)) == Json(true); }

// transformers 4 has rope_scaling beside rope_theta, transformers 5 both in rope_parameters.
Result<RopeScaling> read_rope(const Json& json, double context) {
  const Json& new_way = json_child(json, "rope_parameters");
  const Json& rope = new_way.empty() ? json_child(json, "rope_scaling") : new_way;
  std::string kind = json_text(rope, "rope_type");
  if (kind.empty()) kind = json_text(rope, "type");
  RopeScaling scaling;
  if (kind.empty() && rope.contains("factor")) return refused("rope_scaling has no rope_type");
  if (kind.empty() || kind == "default") return scaling;
  bool known = false;
  for (int i = 1; i < 4; ++i) {
    if (kind != kRopeKinds[i]) continue;
    scaling.kind = static_cast<RopeScaling::Kind>(i);
    known = true;
  }
  if (!known)
    return refused("rope_scaling '" + kind.substr(0, 40) + "' is not computed (default, linear, llama3 and yarn are)");
  for (const char* key : {"mscale", "mscale_all_dim", "short_factor", "long_factor"}) {
    if (rope.contains(key) && !rope[key].is_null())
      return refused(std::string("rope_scaling with ") + key + " is not computed");
  }
  if (real(rope, "partial_rotary_factor", real(json, "partial_rotary_factor", 1)) != 1)
    return refused("partial_rotary_factor is not computed");
  scaling.factor = real(rope, "factor", 0);
  const bool stretched = scaling.kind != RopeScaling::Kind::linear;
  if (stretched) scaling.original_context = real(rope, "original_max_position_embeddings", context);
  if (scaling.kind == RopeScaling::Kind::llama3) {
    scaling.low_frequency = real(rope, "low_freq_factor", 0);
    scaling.high_frequency = real(rope, "high_freq_factor", 0);
  }
  if (scaling.kind == RopeScaling::Kind::yarn) {
    scaling.beta_fast = real(rope, "beta_fast", 32);
    scaling.beta_slow = real(rope, "beta_slow", 1);
    scaling.attention_factor = real(rope, "attention_factor", 0);
    scaling.truncate = rope.value("truncate", Json(true)) != Json(false);
  }
  return scaling;
}

// eos_token_id is a number, a list of them, or absent.
void read_end_tokens(const Json& json, ModelConfig& c) {
  const Json ids = json.value("eos_token_id", Json());
  if (!ids.is_array()) {
    c.end_token = json_count(json, "eos_token_id").value_or(-1);
    return;
  }
  for (const Json& id : ids) {
    if (!id.is_number_unsigned()) continue;
    if (c.end_token < 0)
      c.end_token = id.get<std::int64_t>();
    else
      c.other_end_tokens.push_back(id.get<std::int64_t>());
  }
}

Result<void> read_family(const Json& json, ModelConfig& c) {
  const std::string type = json_text(json, "model_type");
  bool known = false;
  for (std::size_t i = 0; i < std::size(kFamilies); ++i) {
    if (type != kFamilies[i].type) continue;
    c.family = static_cast<Family>(i);
    known = true;
  }
  if (!known) return refused("model_type '" + type.substr(0, 40) + "' is not known: llama, qwen2 and qwen3 are");
  if (json_text(json, "hidden_act") != "silu") return refused("only hidden_act silu is computed");
  if (is_true(json, "use_sliding_window")) return refused("use_sliding_window is not computed");
  for (const Json& layer : json_child(json, "layer_types")) {
    if (layer != "full_attention") return refused("layer_types other than full_attention are not computed");
  }
  if (!json.value("quantization_config", Json()).is_null())
    return refused("quantization_config: only checkpoints of F32, F16 and BF16 are read");
  const bool attention_bias = is_true(json, "attention_bias");
  c.qkv_bias = c.family == Family::qwen2 || attention_bias;
  c.output_bias = c.family != Family::qwen2 && attention_bias;
  c.feed_forward_bias = c.family == Family::llama && is_true(json, "mlp_bias");
  c.qk_norm = c.family == Family::qwen3;
  return {};
}

nlohmann::ordered_json rope_json(const RopeScaling& rope) {
  nlohmann::ordered_json json;
  json["rope_type"] = kRopeKinds[static_cast<int>(rope.kind)];
  json["factor"] = rope.factor;
  if (rope.kind != RopeScaling::Kind::linear)
    json["original_max_position_embeddings"] = static_cast<std::int64_t>(std::llround(rope.original_context));
  if (rope.kind == RopeScaling::Kind::llama3) {
    json["low_freq_factor"] = rope.low_frequency;
    json["high_freq_factor"] = rope.high_frequency;
  }
  if (rope.kind == RopeScaling::Kind::yarn) {
    json["beta_fast"] = rope.beta_fast;
    json["beta_slow"] = rope.beta_slow;
    if (rope.attention_factor > 0) json["attention_factor"] = rope.attention_factor;
    if (!rope.truncate) json["truncate"] = false;
  }
  return json;
}

}  // namespace

std::string_view name_of(Family family) { return kFamilies[static_cast<int>(family)].type; }

std::string config_to_json(const ModelConfig& c) {
  const auto id = [](std::int64_t token) { return token >= 0 ? Json(token) : Json(); };
  nlohmann::ordered_json json;
  json["architectures"] = {kFamilies[static_cast<int>(c.family)].architecture};
  json["model_type"] = name_of(c.family);
  json["vocab_size"] = c.vocabulary;
  json["hidden_size"] = c.width;
  json["intermediate_size"] = c.feed_forward;
  json["num_hidden_layers"] = c.layers;
  json["num_attention_heads"] = c.heads;
  json["num_key_value_heads"] = c.kv_heads;
  json["head_dim"] = c.head_width;
  json["hidden_act"] = "silu";
  json["max_position_embeddings"] = c.context;
  json["rms_norm_eps"] = c.norm_epsilon;
  json["rope_theta"] = c.rope_theta;
  json["rope_scaling"] = c.rope.kind == RopeScaling::Kind::none ? nlohmann::ordered_json() : rope_json(c.rope);
  json["tie_word_embeddings"] = c.tied;
  if (c.family != Family::qwen2) json["attention_bias"] = c.output_bias;
  if (c.family == Family::llama) json["mlp_bias"] = c.feed_forward_bias;
  if (c.family != Family::llama) json["use_sliding_window"] = false;
  json["bos_token_id"] = id(c.begin_token);
  Json ends = id(c.end_token);
  if (!c.other_end_tokens.empty()) {
    ends = Json::array({c.end_token});
    for (const std::int64_t other : c.other_end_tokens) ends.push_back(other);
  }
  json["eos_token_id"] = ends;
  json["pad_token_id"] = id(c.end_token);
  json["torch_dtype"] = "float32";
  return json.dump(2) + "\n";
}

Result<ModelConfig> config_from_json(std::string_view text) {
  const auto parsed = parse_json(text);
  if (!parsed || !parsed->is_object()) return fail(Errc::usage, "config.json is no JSON object");
  const Json& json = *parsed;
  ModelConfig c;
  if (auto family = read_family(json, c); !family) return fail(family.error());
  for (const char* key : {"vocab_size", "hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads",
                          "num_key_value_heads", "head_dim", "max_position_embeddings", "rms_norm_eps", "rope_theta"}) {
    const Json value = json.value(key, Json());
    if (!value.is_null() && !value.is_number()) return refused(std::string(key) + " is no number");
  }
  const auto count = [&](const char* key, std::int64_t otherwise) { return json_count(json, key).value_or(otherwise); };
  c.vocabulary = count("vocab_size", 0);
  c.width = count("hidden_size", 0);
  c.feed_forward = count("intermediate_size", 0);
  c.layers = count("num_hidden_layers", 0);
  c.heads = count("num_attention_heads", 0);
  c.kv_heads = count("num_key_value_heads", c.heads);
  c.head_width = count("head_dim", c.family == Family::qwen3 ? 128 : c.heads > 0 ? c.width / c.heads : 0);
  c.context = count("max_position_embeddings", 0);
  c.norm_epsilon = real(json, "rms_norm_eps", 1e-6);
  c.rope_theta = real(json_child(json, "rope_parameters"), "rope_theta", real(json, "rope_theta", 10000));
  c.tied = is_true(json, "tie_word_embeddings");
  c.begin_token = count("bos_token_id", -1);
  read_end_tokens(json, c);
  const auto rope = read_rope(json, static_cast<double>(c.context));
  if (!rope) return fail(rope.error());
  c.rope = *rope;
  if (auto checked = check_config(c); !checked) return fail(checked.error());
  return c;
}

}  // namespace retort
