// What a student was before a training: its weights by digest, and what they were made of as far as a manifest tells.
#pragma once

#include <string>

#include "core/base/json.h"
#include "core/base/result.h"

namespace retort {

/// For the manifest's `base`: `model`, `sha256` of each file of weights, and `manifest`, the base's own, or null. `student`
/// is a model folder or a .gguf file. Reads all of the weights. Errc::usage if one cannot be read.
Result<Json> origin_of_student(const std::string& student);

/// Puts `base` into a run's manifest; what holds for the base's sources holds for what is made of it: terms.strictest.
void add_origin(Json& manifest, Json base);

}  // namespace retort
