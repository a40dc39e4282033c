// `choice`: the letter of a multiple-choice answer.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "core/grade/grader.h"

namespace retort {

/// The letters chosen, sorted, without repeats: "B", "AC" for several. Looks at the final answer ("(B)", "B.", "B)
/// Paris", "A and C"), then for "option B", "choice B" or a lone bracketed letter in that line. Empty if none can be
/// told.
std::string chosen_letters(std::string_view text);

/// Right if the reference's letters are chosen; where the prompt's metadata has `choices` or `options` (a list of
/// texts), the text of an option stands for its letter, on either side.
std::unique_ptr<Grader> choice_grader();

}  // namespace retort
