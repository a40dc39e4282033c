// A reply without the key it was asked with. Pure functions.
#pragma once

#include <string>
#include <string_view>

#include "core/net/transport.h"
#include "core/teacher/teacher.h"

namespace retort {

/// Takes the secret out of all that a reply says. True if it was there.
bool redact(Reply& reply, std::string_view secret);

/// Redacts the body, then decodes it: what is stored is what was read. A body that spells the secret in pieces, as the
/// events of a stream can, is left empty, since what it says would be read from it again.
Reply decode_redacted(const Teacher& teacher, const HttpHead& head, std::string& body, std::string_view secret);

}  // namespace retort
