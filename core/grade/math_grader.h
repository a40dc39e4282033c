// `math`: final answers as in MATH and AIME, equal if they mean the same.
#pragma once

#include <memory>
#include <string_view>

#include "core/grade/grader.h"

namespace retort {

std::unique_ptr<Grader> math_grader();

/// The mathematics of a final answer: the last \boxed{…}; else, of the line that states the answer, the line itself if
/// all of it is mathematics, its last formula between $…$, \(…\) or \[…\], what follows its last " is ", or its last
/// number. Refers into `text`.
std::string_view final_mathematics(std::string_view text);

}  // namespace retort
