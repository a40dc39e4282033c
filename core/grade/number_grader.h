// `number`: the final number of an answer against the reference's, as quantities.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "core/grade/grader.h"
#include "core/grade/math_expression.h"

namespace retort {

/// A number as somebody wrote it.
struct WrittenNumber {
  Math value;            ///< exact: a number, a fraction, a multiple of a power of ten; without percent and unit
  bool percent = false;  ///
  std::string unit;      ///< as written, in lower case, without plural; "$" for money in dollars; may be empty
};

/// Reads the whole of `text` as one number: sign, currency, separators of thousands (comma, point, blank, apostrophe,
/// checked to be in threes), decimal point or comma, 1.5e-3, 1.5 × 10^-3, 3/4, 2 1/2, percent, and a unit of one or two
/// words behind it. One comma before exactly three digits separates thousands, one point is always decimal: the English
/// reading, where both would do.
std::optional<WrittenNumber> read_number(std::string_view text);

/// The last part of `text` that reads as a number, with its currency, percent and unit.
std::optional<WrittenNumber> last_number(std::string_view text);

/// Equal as quantities (same_value()): percent counts as a hundredth, and 50 % as 50 if the other side has no percent.
/// Units of one kind are converted; of two kinds they differ; a side without one takes the other's.
bool same_number(const WrittenNumber& a, const WrittenNumber& b);

std::unique_ptr<Grader> number_grader();

}  // namespace retort
