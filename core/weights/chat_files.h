// A tokenizer with its chat template, from wherever a model keeps them.
#pragma once

#include <string>

#include "core/base/result.h"
#include "core/text/model_chat.h"

namespace retort {

/// From a folder with tokenizer.json and what stands beside it, from such a tokenizer.json, or from a GGUF file.
/// `template_text`, if it is not empty, is used instead of the model's own. Errc::usage says what is missing or not
/// understood.
Result<ModelChat> chat_from_files(const std::string& path, const std::string& template_text);

}  // namespace retort
