// What all trainers of text understand of a conversation: role and text of each message, and nothing else.
#pragma once

#include <optional>

#include "core/base/json.h"

namespace retort {

/// Equal keys in every message; text in parts is joined. Nothing if there is a picture, a sound, or no text at all.
std::optional<Json> text_messages(const Json& messages);

}  // namespace retort
