// What was asked and what was answered, as one digest. It outlives the content: a forgotten response leaves it, so
// that what was made before can still be proved.
#pragma once

#include <string>

#include "core/corpus/records.h"

namespace retort {

/// SHA-256 over canonical JSON of what was asked and what was answered: {messages, reasoning, refusal, text,
/// tool_calls}. Ids, times and costs are no part of it, so that a merged corpus gives the same.
std::string content_digest(const Json& messages, const Response& answer);
std::string content_digest(const Pair& pair);

}  // namespace retort
