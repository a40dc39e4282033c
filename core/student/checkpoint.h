// Checkpoints of a run: everything that is needed to go on exactly where it was. Written under another name, flushed,
// then renamed, with digests inside: a torn or damaged one is never loaded.
//
//   RUN/checkpoint/step-00000120/state.json          step, settings, digests of the rows and of the file beside it
//                                tensors.safetensors  parameters and both moments of the optimiser, flat
#pragma once

#include <string>
#include <vector>

#include "core/base/json.h"
#include "core/base/result.h"

namespace retort {

struct Checkpoint {
  std::int64_t step = 0;             ///< steps done
  std::int64_t optimizer_steps = 0;  ///
  Json state;                        ///< what else the trainer wants back
  std::vector<float> parameters, first_moment, second_moment;
};

/// Writes it and removes all but the newest two. Errc::disk.
Result<void> save_checkpoint(const std::string& folder, const Checkpoint& checkpoint);

/// True if there is any finished checkpoint.
bool has_checkpoint(const std::string& folder);

/// The newest. Errc::usage if there is none or it is damaged: what to do is for a person to decide, since an older one
/// would silently repeat work.
Result<Checkpoint> load_checkpoint(const std::string& folder);

}  // namespace retort
