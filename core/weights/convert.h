// A model from one kind of file to another, tensor by tensor: memory for the largest of them is enough.
#pragma once

#include <string>

#include "core/weights/gguf.h"
#include "core/weights/pretrained.h"

namespace retort {

/// "f32", "f16", "bf16", "q8_0".
Result<Numbers> numbers_from_word(const std::string& word);

/// From a model folder or a .gguf file to `output`: GGUF if its name ends so, else a new folder. Matrices are written
/// in `numbers`, what has one dimension in F32. The tokenizer and the template go along; a folder's manifest.json goes
/// into the folder, or into GGUF as `retort.manifest`. Errc::usage if the output is there already or a part does not
/// fit.
Result<void> convert_model(const std::string& model, const std::string& output, Numbers numbers);

}  // namespace retort
