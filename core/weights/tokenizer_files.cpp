#include "core/weights/tokenizer_files.h"

#include <filesystem>

#include "core/base/files.h"

namespace retort {
namespace {

std::optional<TokenId> id_of(const GgufFile& file, std::string_view key) {
  const auto found = file.count(key);
  if (!found || *found > 0x7fffffff) return std::nullopt;
  return static_cast<TokenId>(*found);
}

// A template is a text, or a list of named ones of which "default" is meant.
std::string template_in(const Json& config) {
  const Json found = config.is_object() ? config.value("chat_template", Json()) : Json();
  if (found.is_string()) return found.get<std::string>();
  if (!found.is_array()) return {};
  for (const Json& one : found) {
    if (json_text(one, "name") == "default") return json_text(one, "template");
  }
  return {};
}

}  // namespace

Result<ModelText> text_of_folder(const std::string& folder) {
  const auto text = read_file(folder + "/tokenizer.json");
  if (!text) return fail(text.error());
  auto tokenizer = BpeTokenizer::from_json(*text);
  if (!tokenizer) return fail(Errc::usage, folder + "/" + tokenizer.error().message);
  ModelText found{std::move(*tokenizer), {}, {}};
  if (const auto config_text = read_file(folder + "/tokenizer_config.json")) {
    const auto config = parse_json(*config_text);
    if (!config || !config->is_object()) return fail(Errc::usage, folder + "/tokenizer_config.json is no JSON object");
    found.chat_template = template_in(*config);
    if (const Json add = config->value("add_bos_token", Json()); add.is_boolean()) found.add_bos = add.get<bool>();
  }
  if (auto jinja = read_file(folder + "/chat_template.jinja")) found.chat_template = std::move(*jinja);
  return found;
}

Result<ModelText> text_of_gguf(const GgufFile& file) {
  GgufTokenizer values;
  values.model = file.text("tokenizer.ggml.model");
  values.pre = file.text("tokenizer.ggml.pre");
  values.tokens = file.texts("tokenizer.ggml.tokens");
  values.token_type = file.numbers("tokenizer.ggml.token_type");
  values.merges = file.texts("tokenizer.ggml.merges");
  values.bos_token_id = id_of(file, "tokenizer.ggml.bos_token_id");
  values.eos_token_id = id_of(file, "tokenizer.ggml.eos_token_id");
  values.eot_token_id = id_of(file, "tokenizer.ggml.eot_token_id");
  auto tokenizer = tokenizer_from_gguf(values);
  if (!tokenizer) return fail(tokenizer.error());
  ModelText found{std::move(*tokenizer), file.text("tokenizer.chat_template"), {}};
  if (const Json& add = file.value("tokenizer.ggml.add_bos_token"); add.is_boolean()) found.add_bos = add.get<bool>();
  return found;
}

}  // namespace retort
