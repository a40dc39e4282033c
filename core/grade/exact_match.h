// The simplest grader: is the final answer, as text, the reference?
#pragma once

#include <string_view>

namespace retort {

/// True if the answer, or its last line that is not empty, or what follows its last "Answer:" (in any case), equals the
/// reference; white space around both is ignored, and so is one full stop at the answer's end. An empty reference
/// matches nothing: a row without one cannot be graded.
bool exact_match(std::string_view answer, std::string_view reference);

}  // namespace retort
