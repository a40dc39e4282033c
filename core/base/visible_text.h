// Text from outside, made safe for a terminal: what a model or a server writes may hold escape sequences that recolour,
// retitle, or rewrite what is already on the screen, and marks that make text read otherwise than it is.
#pragma once

#include <string>
#include <string_view>

namespace retort {

/// Valid UTF-8 in which control characters are shown as pictures (ESC is "␛"), and C1 controls, bidirectional and
/// other invisible marks as "\u{202e}". Line feeds and tabs stay.
std::string visible_text(std::string_view bytes);

/// The same on one line: runs of white space and control characters become one space.
std::string visible_line(std::string_view bytes);

/// JSON text in which what visible_text() changes stands as \uXXXX: the same value, safe to print anywhere.
std::string visible_json(std::string_view json);

/// Columns on a terminal: East Asian wide characters and emoji count two, combining marks none.
std::size_t display_width(std::string_view text);

}  // namespace retort
