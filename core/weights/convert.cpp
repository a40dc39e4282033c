#include "core/weights/convert.h"

#include <algorithm>
#include <cstring>
#include <filesystem>

#include "core/base/files.h"
#include "core/weights/gguf_model.h"
#include "core/weights/safetensors.h"
#include "core/weights/tokenizer_files.h"

namespace retort {
namespace {

namespace fs = std::filesystem;

// GGUF's Llama wants the halves of each head of q and k to alternate.
void interleave(std::vector<float>& values, std::size_t rows, std::size_t heads) {
  const std::vector<float> straight = values;
  const std::size_t width = values.size() / rows, head = rows / heads;
  for (std::size_t row = 0; row < rows; ++row) {
    const std::size_t in_head = row % head;
    const std::size_t from = row - in_head + in_head % 2 * (head / 2) + in_head / 2;
    std::memcpy(values.data() + row * width, straight.data() + from * width, width * sizeof(float));
  }
}

Numbers numbers_for(const std::vector<std::int64_t>& shape, Numbers wanted) {
  if (shape.size() < 2) return Numbers::f32;
  const auto row = static_cast<std::size_t>(shape.back());
  return row % layout_of(wanted).block == 0 ? wanted : Numbers::f16;  // llama.cpp falls back alike
}

std::vector<TensorToWrite> tensors_to_write(const Pretrained& model, Numbers numbers, bool gguf) {
  const ModelConfig& c = model.config;
  std::vector<TensorToWrite> all;
  for (const auto& [name, shape] : tensors_of(c)) {
    const StoredTensor& stored = model.tensors.find(name)->second;
    std::int64_t heads = 0;
    if (gguf && c.family == Family::llama)
      heads = name.find("q_proj") != std::string::npos   ? c.heads
              : name.find("k_proj") != std::string::npos ? c.kv_heads
                                                         : 0;
    all.push_back({gguf ? gguf_name(name) : name, shape, gguf ? numbers_for(shape, numbers) : numbers,
                   [&stored, heads](float* out) {
                     read_floats(stored, out);
                     if (heads == 0) return;
                     std::vector<float> values(out, out + stored.count());
                     interleave(values, static_cast<std::size_t>(stored.shape[0]), static_cast<std::size_t>(heads));
                     std::copy(values.begin(), values.end(), out);
                   }});
  }
  if (gguf && c.rope.kind == RopeScaling::Kind::llama3) {
    const std::vector<float> factors = gguf_rope_factors(c);
    all.push_back(
        {"rope_freqs.weight", {static_cast<std::int64_t>(factors.size())}, Numbers::f32, [factors](float* out) {
           std::copy(factors.begin(), factors.end(), out);
         }});
  }
  return all;
}

Result<void> add_tokenizer(const ModelText& text, const ModelConfig& c, GgufMetadata& metadata) {
  auto values = tokenizer_to_gguf(text.tokenizer, static_cast<std::size_t>(c.vocabulary));
  if (!values) return fail(values.error());
  metadata.emplace_back("tokenizer.ggml.model", values->model);
  metadata.emplace_back("tokenizer.ggml.pre", values->pre);
  metadata.emplace_back("tokenizer.ggml.tokens", std::move(values->tokens));
  metadata.emplace_back("tokenizer.ggml.token_type", std::move(values->token_type));
  metadata.emplace_back("tokenizer.ggml.merges", std::move(values->merges));
  const auto id = [&](const char* key, std::int64_t token) {
    if (token >= 0) metadata.emplace_back(key, static_cast<std::uint32_t>(token));
  };
  id("tokenizer.ggml.bos_token_id", c.begin_token);
  id("tokenizer.ggml.eos_token_id", c.end_token);
  if (!c.other_end_tokens.empty()) id("tokenizer.ggml.eot_token_id", c.other_end_tokens.front());
  id("tokenizer.ggml.padding_token_id", c.end_token);
  metadata.emplace_back("tokenizer.ggml.add_bos_token", text.add_bos.value_or(false));
  if (!text.chat_template.empty()) metadata.emplace_back("tokenizer.chat_template", text.chat_template);
  return {};
}

Result<void> write_file(const std::string& path, const std::function<Result<void>(const ByteSink&)>& write) {
  auto file = FileReplacement::begin(path);
  if (!file) return fail(file.error());
  const auto written = write([&](std::string_view bytes) { return file->append(bytes); });
  return written ? file->commit() : written;
}

Result<void> to_gguf(const std::string& path, const std::string& output, const Pretrained& model, const ModelText& text,
                     Numbers numbers) {
  const std::string name = fs::path(path).lexically_normal().stem().string();
  GgufMetadata metadata = gguf_metadata(model.config, name.empty() ? "student" : name, numbers);
  if (auto added = add_tokenizer(text, model.config, metadata); !added) return added;
  if (std::string manifest = manifest_of(path, model); !manifest.empty())
    metadata.emplace_back("retort.manifest", std::move(manifest));
  const auto tensors = tensors_to_write(model, numbers, true);
  return write_file(output, [&](const ByteSink& sink) { return write_gguf(metadata, tensors, sink); });
}

Result<void> to_folder(const std::string& path, const std::string& output, const Pretrained& model,
                       const ModelText& text, Numbers numbers) {
  const std::string beside = output + ".unfinished";
  std::error_code error;
  fs::remove_all(beside, error);
  if (auto made = make_folder(beside); !made) return made;
  Json config = *parse_json(config_to_json(model.config));
  config["torch_dtype"] = numbers == Numbers::f16 ? "float16" : numbers == Numbers::bf16 ? "bfloat16" : "float32";
  Json about = {{"tokenizer_class", "PreTrainedTokenizerFast"}, {"model_max_length", model.config.context}};
  const auto content = [&](const char* key, std::int64_t id) {
    const AddedToken* token = id >= 0 ? text.tokenizer.added(static_cast<TokenId>(id)) : nullptr;
    if (token != nullptr) about[key] = token->content;
  };
  content("bos_token", model.config.begin_token);
  content("eos_token", model.config.end_token);
  content("pad_token", model.config.end_token);
  if (!text.chat_template.empty()) about["chat_template"] = text.chat_template;
  std::vector<std::pair<std::string, std::string>> files = {{"/config.json", config.dump(2) + "\n"},
                                                            {"/tokenizer.json", text.tokenizer.to_json()},
                                                            {"/tokenizer_config.json", about.dump(2) + "\n"}};
  if (const std::string manifest = manifest_of(path, model); !manifest.empty()) files.emplace_back("/manifest.json", manifest);
  for (const auto& [name, bytes] : files) {
    if (auto written = write_durable(beside + name, bytes); !written) return written;
  }
  const auto tensors = tensors_to_write(model, numbers, false);
  const auto written =
      write_file(beside + "/model.safetensors", [&](const ByteSink& sink) { return write_safetensors(tensors, sink); });
  if (!written) return written;
  fs::rename(beside, output, error);
  if (error) return fail(Errc::disk, "cannot rename to " + output + ": " + error.message());
  return {};
}

}  // namespace

Result<Numbers> numbers_from_word(const std::string& word) {
  if (word == "f32") return Numbers::f32;
  if (word == "f16") return Numbers::f16;
  if (word == "bf16") return Numbers::bf16;
  if (word == "q8_0") return Numbers::q8_0;
  return fail(Errc::usage, "numbers: '" + word + "' is none of f32, f16, bf16 and q8_0");
}

Result<void> convert_model(const std::string& path, const std::string& output, Numbers numbers) {
  const bool gguf = output.ends_with(".gguf");
  if (!gguf && numbers == Numbers::q8_0)
    return fail(Errc::usage, "q8_0 is for GGUF: let the output's name end in .gguf, or choose f32, f16 or bf16");
  std::error_code error;
  if (fs::exists(output, error)) return fail(Errc::usage, output + " is there already: choose another name");
  const auto model = open_pretrained(path);
  if (!model) return fail(model.error());
  const auto text = model->gguf ? text_of_gguf(*model->gguf) : text_of_folder(path);
  if (!text) return fail(text.error().code, path + ": " + text.error().message);
  return gguf ? to_gguf(path, output, *model, *text, numbers) : to_folder(path, output, *model, *text, numbers);
}

}  // namespace retort
