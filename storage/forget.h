// Forgetting as a part of something larger: of a merge, where one corpus has forgotten what another still has.
#pragma once

#include <string>
#include <vector>

#include "core/corpus/care.h"
#include "storage/connection.h"

namespace retort {

/// These prompts and what goes on from them, within the transaction at hand, with a tombstone for each. SQLite's
/// secure_delete must be on.
Result<std::vector<ForgottenPrompt>> forget_prompts(Connection& connection, std::vector<RowId> prompts,
                                                    const std::string& reason, RowId run, const std::string& now);

/// After the commit: the file is written anew, so that no page holds what was erased.
Result<void> rewrite_after_forgetting(Connection& connection);

}  // namespace retort
