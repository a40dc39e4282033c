// Graders that compare texts as texts.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "core/grade/grader.h"

namespace retort {

/// `exact`: exact_match().
std::unique_ptr<Grader> exact_grader();

/// `text`: the same after normalised_text() on both sides, also for what follows "the answer is" and for \boxed{…}.
std::unique_ptr<Grader> text_grader();

/// Lower case (of ASCII), white space as one blank, and without articles, quotation marks, emphasis (** and `) and
/// punctuation around it: what two people would read as the same short answer. Signs, brackets and digits stay.
std::string normalised_text(std::string_view text);

}  // namespace retort
