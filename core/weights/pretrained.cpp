#include "core/weights/pretrained.h"

#include <filesystem>
#include <set>

#include "core/base/files.h"
#include "core/weights/gguf_model.h"
#include "core/weights/safetensors.h"

namespace retort {
namespace {

namespace fs = std::filesystem;

Failure about(const std::string& path, const Error& error) { return fail(error.code, path + ": " + error.message); }

Result<void> add_shard(const std::string& path, Pretrained& model) {
  auto file = MappedFile::open(path);
  if (!file) return fail(file.error());
  auto tensors = parse_safetensors((*file)->bytes());
  if (!tensors) return about(path, tensors.error());
  for (auto& [name, tensor] : *tensors) {
    if (!model.tensors.emplace(name, tensor).second)
      return fail(Errc::usage, path + ": tensor '" + name.substr(0, 80) + "' is in another file as well");
  }
  model.files.push_back(std::move(*file));
  return {};
}

Result<void> add_folder(const std::string& folder, Pretrained& model) {
  std::error_code error;
  const std::string index_path = folder + "/model.safetensors.index.json";
  if (!fs::exists(index_path, error)) return add_shard(folder + "/model.safetensors", model);
  const auto text = read_file(index_path);
  if (!text) return fail(text.error());
  const auto index = parse_json(*text);
  if (!index || json_child(*index, "weight_map").empty()) return fail(Errc::usage, index_path + ": no weight_map");
  std::set<std::string> shards;
  for (const auto& [name, file] : json_child(*index, "weight_map").items()) {
    const std::string shard = file.is_string() ? file.get<std::string>() : std::string();
    if (shard.empty() || shard.find('/') != std::string::npos)
      return fail(Errc::usage, index_path + ": weight_map names no file for '" + name.substr(0, 80) + "'");
    shards.insert(shard);
  }
  for (const std::string& shard : shards) {
    if (auto added = add_shard(folder + "/" + shard, model); !added) return added;
  }
  return {};
}

std::string written(const std::vector<std::int64_t>& shape) {
  std::string text = "[";
  for (const std::int64_t size : shape) text += (text.size() > 1 ? ", " : "") + std::to_string(size);
  return text + "]";
}

Result<void> check_tensors(const std::string& path, Pretrained& model) {
  // Some checkpoints carry the tied output a second time, or tables of the rotary positions.
  if (model.config.tied) model.tensors.erase("lm_head.weight");
  std::erase_if(model.tensors, [](const auto& entry) { return entry.first.ends_with(".rotary_emb.inv_freq"); });
  std::set<std::string, std::less<>> wanted;
  for (const auto& [name, shape] : tensors_of(model.config)) {
    const auto found = model.tensors.find(name);
    if (found == model.tensors.end()) return fail(Errc::usage, path + " lacks the tensor " + name);
    if (found->second.shape != shape) {
      return fail(Errc::usage, path + ": tensor " + name + " has shape " + written(found->second.shape) +
                                   " where the configuration wants " + written(shape));
    }
    wanted.insert(name);
  }
  for (const auto& [name, tensor] : model.tensors) {
    if (!wanted.contains(name)) {
      return fail(Errc::usage, path + " has a tensor that such a model does not have: " + name.substr(0, 80) +
                                   " (is the configuration of another model?)");
    }
  }
  return {};
}

}  // namespace

bool is_pretrained(const std::string& path) {
  std::error_code error;
  return !path.starts_with("new:") && (path.ends_with(".gguf") || fs::is_directory(path, error));
}

Result<Pretrained> open_pretrained(const std::string& path) {
  Pretrained model;
  if (path.ends_with(".gguf")) {
    auto file = MappedFile::open(path);
    if (!file) return fail(file.error());
    auto gguf = parse_gguf((*file)->bytes());
    if (!gguf) return about(path, gguf.error());
    auto config = config_from_gguf(*gguf);
    if (!config) return about(path, config.error());
    auto tensors = tensors_from_gguf(*gguf, *config);
    if (!tensors) return about(path, tensors.error());
    model.config = std::move(*config);
    model.tensors = std::move(*tensors);
    model.gguf = std::move(*gguf);
    model.files.push_back(std::move(*file));
  } else {
    const auto text = read_file(path + "/config.json");
    if (!text) return fail(Errc::usage, path + " is no trained run and no model folder: " + text.error().message);
    auto config = config_from_json(*text);
    if (!config) return fail(Errc::usage, path + "/" + config.error().message);
    model.config = std::move(*config);
    if (auto added = add_folder(path, model); !added) return fail(added.error());
  }
  if (auto checked = check_tensors(path, model); !checked) return fail(checked.error());
  return model;
}

std::string manifest_of(const std::string& path, const Pretrained& model) {
  if (model.gguf) return model.gguf->text("retort.manifest");
  auto text = read_file(path + "/manifest.json");
  return text ? std::move(*text) : std::string();
}

std::vector<std::pair<std::string, std::vector<std::int64_t>>> tensors_of(const ModelConfig& c) {
  const std::int64_t q = c.heads * c.head_width, kv = c.kv_heads * c.head_width;
  std::vector<std::pair<std::string, std::vector<std::int64_t>>> all;
  all.push_back({"model.embed_tokens.weight", {c.vocabulary, c.width}});
  for (std::int64_t i = 0; i < c.layers; ++i) {
    const std::string prefix = "model.layers." + std::to_string(i) + ".";
    const auto linear = [&](const char* name, std::int64_t out, std::int64_t in, bool bias) {
      all.push_back({prefix + name + ".weight", {out, in}});
      if (bias) all.push_back({prefix + name + ".bias", {out}});
    };
    all.push_back({prefix + "input_layernorm.weight", {c.width}});
    linear("self_attn.q_proj", q, c.width, c.qkv_bias);
    linear("self_attn.k_proj", kv, c.width, c.qkv_bias);
    linear("self_attn.v_proj", kv, c.width, c.qkv_bias);
    linear("self_attn.o_proj", c.width, q, c.output_bias);
    if (c.qk_norm) {
      all.push_back({prefix + "self_attn.q_norm.weight", {c.head_width}});
      all.push_back({prefix + "self_attn.k_norm.weight", {c.head_width}});
    }
    all.push_back({prefix + "post_attention_layernorm.weight", {c.width}});
    linear("mlp.gate_proj", c.feed_forward, c.width, c.feed_forward_bias);
    linear("mlp.up_proj", c.feed_forward, c.width, c.feed_forward_bias);
    linear("mlp.down_proj", c.width, c.feed_forward, c.feed_forward_bias);
  }
  all.push_back({"model.norm.weight", {c.width}});
  if (!c.tied) all.push_back({"lm_head.weight", {c.vocabulary, c.width}});
  return all;
}

}  // namespace retort
