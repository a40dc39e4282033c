// Between a model and files of weights.
#pragma once

#include "core/student/model.h"
#include "core/weights/pretrained.h"

namespace retort {

/// Every tensor of the model from `tensors`, which open_pretrained() has checked against the same configuration.
void load_weights(const TensorMap& tensors, const Model& model);

/// FOLDER/model.safetensors, fp32, adapters merged in. FOLDER/adapter/ as PEFT reads it, if there are adapters; `base`
/// names the checkpoint that they belong to.
Result<void> save_weights(const std::string& folder, const Model& model, const std::string& base);

}  // namespace retort
