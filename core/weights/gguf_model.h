// GGUF's way of naming what a model is: its configuration as metadata, its tensors by other names.
#pragma once

#include "core/weights/gguf.h"
#include "core/weights/model_config.h"

namespace retort {

/// Errc::usage names the architecture or the key that is not understood.
Result<ModelConfig> config_from_gguf(const GgufFile& file);

/// The tensors under Hugging Face's names, the interleaving of Llama's q and k noted in them. Errc::usage names one
/// that has no such name.
Result<TensorMap> tensors_from_gguf(const GgufFile& file, const ModelConfig& config);

/// The keys of the model itself; those of its tokenizer are the caller's.
GgufMetadata gguf_metadata(const ModelConfig& config, const std::string& name, Numbers numbers);

/// GGUF's name for Hugging Face's; empty if it has none.
std::string gguf_name(std::string_view hugging_face_name);

/// rope_freqs.weight: what each frequency is divided by. Only llama3's scaling is written so.
std::vector<float> gguf_rope_factors(const ModelConfig& config);

}  // namespace retort
