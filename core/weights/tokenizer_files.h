// The tokenizer and the chat template that come with a model, from its folder or its GGUF file.
#pragma once

#include <optional>
#include <string>

#include "core/text/tokenizer_gguf.h"
#include "core/weights/gguf.h"

namespace retort {

struct ModelText {
  BpeTokenizer tokenizer;
  std::string chat_template;  ///< Jinja; empty if there is none
  std::optional<bool> add_bos;
};

/// From FOLDER/tokenizer.json, tokenizer_config.json and chat_template.jinja.
Result<ModelText> text_of_folder(const std::string& folder);
/// From tokenizer.ggml.* and tokenizer.chat_template.
Result<ModelText> text_of_gguf(const GgufFile& file);

}  // namespace retort
