#include "core/weights/chat_files.h"

#include <filesystem>

#include "core/base/files.h"
#include "core/weights/gguf.h"
#include "core/weights/mapped_file.h"
#include "core/weights/tokenizer_files.h"

namespace retort {
namespace {

namespace fs = std::filesystem;

std::string text_or_nothing(const std::string& path) {
  auto text = read_file(path);
  return text ? std::move(*text) : std::string();
}

Failure no_template(const std::string& path) {
  return fail(Errc::usage, path + " has no chat template: name one with --chat-template FILE (Jinja)");
}

Result<ModelChat> made(const std::string& path, BpeTokenizer tokenizer, ChatFormat format) {
  auto chat = ModelChat::create(std::move(tokenizer), std::move(format));
  if (!chat) return fail(Errc::usage, path + ": " + chat.error().message);
  return chat;
}

Result<ModelChat> from_folder(const std::string& folder, const std::string& tokenizer_file,
                              const std::string& template_text) {
  const auto text = read_file(tokenizer_file);
  if (!text) return fail(text.error());
  auto tokenizer = BpeTokenizer::from_json(*text);
  if (!tokenizer)
    return fail(Errc::usage, (fs::path(tokenizer_file).parent_path() / tokenizer.error().message).string());
  const std::string config = text_or_nothing(folder + "/tokenizer_config.json");
  const std::string jinja = template_text.empty() ? text_or_nothing(folder + "/chat_template.jinja") : template_text;
  if (jinja.empty() && config.find("\"chat_template\"") == std::string::npos) return no_template(folder);
  auto format = chat_format_from_files(config, jinja, text_or_nothing(folder + "/generation_config.json"));
  if (!format) return fail(Errc::usage, folder + ": " + format.error().message);
  return made(folder, std::move(*tokenizer), std::move(*format));
}

// The text of a token that GGUF names by its id; one that is no added token ends a turn all the same.
std::string special_text(const GgufFile& file, std::string_view key, const BpeTokenizer& tokenizer,
                         std::vector<TokenId>* ends) {
  const auto id = file.count(key);
  if (!id || *id >= static_cast<std::int64_t>(tokenizer.vocabulary_size())) return {};
  if (ends != nullptr) ends->push_back(static_cast<TokenId>(*id));
  const AddedToken* added = tokenizer.added(static_cast<TokenId>(*id));
  return added != nullptr ? added->content : std::string();
}

Result<ModelChat> from_gguf(const std::string& path, const std::string& template_text) {
  const auto mapped = MappedFile::open(path);
  if (!mapped) return fail(mapped.error());
  const auto file = parse_gguf((*mapped)->bytes());
  if (!file) return fail(Errc::usage, path + ": " + file.error().message);
  auto text = text_of_gguf(*file);
  if (!text) return fail(Errc::usage, path + ": " + text.error().message);
  ChatFormat format;
  format.chat_template = template_text.empty() ? text->chat_template : template_text;
  if (format.chat_template.empty()) return no_template(path);
  format.bos_token = special_text(*file, "tokenizer.ggml.bos_token_id", text->tokenizer, nullptr);
  format.eos_token = special_text(*file, "tokenizer.ggml.eos_token_id", text->tokenizer, &format.end_tokens);
  special_text(*file, "tokenizer.ggml.eot_token_id", text->tokenizer, &format.end_tokens);
  return made(path, std::move(text->tokenizer), std::move(format));
}

}  // namespace

Result<ModelChat> chat_from_files(const std::string& path, const std::string& template_text) {
  std::error_code ignored;
  if (fs::is_directory(path, ignored)) return from_folder(path, path + "/tokenizer.json", template_text);
  if (!fs::exists(path, ignored)) return fail(Errc::usage, "there is no tokenizer " + path);
  if (path.ends_with(".gguf")) return from_gguf(path, template_text);
  const std::string folder = fs::path(path).parent_path().string();
  return from_folder(folder.empty() ? "." : folder, path, template_text);
}

}  // namespace retort
