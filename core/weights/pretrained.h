// A student that exists: its configuration and its tensors, from a Hugging Face folder or a GGUF file, mapped and not
// yet read.
#pragma once

#include <memory>
#include <optional>

#include "core/weights/gguf.h"
#include "core/weights/mapped_file.h"
#include "core/weights/model_config.h"

namespace retort {

struct Pretrained {
  ModelConfig config;
  TensorMap tensors;             ///< under Hugging Face's names; they look into `files`
  std::optional<GgufFile> gguf;  ///< of a GGUF file, for what it says of its tokenizer
  std::vector<std::shared_ptr<const MappedFile>> files;
};

/// True for a folder and for a file that ends in .gguf: what `--student` takes besides new:SIZE.
bool is_pretrained(const std::string& path);

/// Errc::usage with one line: what is missing, surplus, of another shape, or not understood. Every tensor that the
/// configuration asks for is there in its shape, and no other.
Result<Pretrained> open_pretrained(const std::string& path);

/// The manifest that came with it, as it was written: FOLDER/manifest.json, or `retort.manifest` in GGUF; empty: none.
std::string manifest_of(const std::string& path, const Pretrained& model);

/// Names and shapes of all tensors of a model, in the order in which they are written.
std::vector<std::pair<std::string, std::vector<std::int64_t>>> tensors_of(const ModelConfig& config);

}  // namespace retort
