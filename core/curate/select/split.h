// Which part of a split a pair belongs to, told from its prompt alone: no prompt straddles, and a corpus that grows
// moves nothing from one part to the other.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "core/base/result.h"

namespace retort {

struct SplitPart {
  std::string name;  ///< "train", "validation"
  double share = 0;  ///< of the prompts
};

/// The part of a prompt: the SHA-256 of salt and prompt digest (core/teacher/identity.h) as a number in [0, 1) falls
/// into it. `parts` is not empty and its shares add up to 1 (see check_split()); the last takes what rounding leaves.
const SplitPart& split_of(std::string_view prompt_digest, std::span<const SplitPart> parts, std::string_view salt = "");

/// Errc::usage if there is no part, a share is not in (0, 1], two have one name, or they do not add up to 1.
Result<void> check_split(std::span<const SplitPart> parts);

}  // namespace retort
