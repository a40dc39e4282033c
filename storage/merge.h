// Joining corpora: everything of the sources into one, in one transaction, so that a crash leaves nothing half.
#pragma once

#include "core/base/clock.h"
#include "core/corpus/merge.h"

namespace retort {

/// A corpus that is there grows; a new one begins as a copy of the first source and gets its name when all is in it.
/// Takes the writer's lock of `into`. Errc::usage for a source that is not there, Errc::corpus for one that is being
/// written, Errc::interrupted once stopped.
Result<std::vector<MergedSource>> merge_corpora(const Clock& clock, const MergeOrder& order);

}  // namespace retort
