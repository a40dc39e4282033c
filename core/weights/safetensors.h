// safetensors: tensors by name in one file, read as a hostile one.
#pragma once

#include "core/weights/tensors.h"

namespace retort {

/// Checks everything before anything is used: header size, names, types (F32, F16, BF16), shapes, bounds, overlaps and
/// holes. The tensors look into `bytes`.
Result<TensorMap> parse_safetensors(std::string_view bytes);

/// A file with these tensors, in this order.
Result<void> write_safetensors(const std::vector<TensorToWrite>& tensors, const ByteSink& sink);

}  // namespace retort
