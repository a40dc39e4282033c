// Reads an arithmetic problem out of a sentence. Prompts come from outside, so this is a parser of hostile bytes:
// it is total, takes time linear in the text, and prefers not to understand over understanding wrongly.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace retort {

enum class ArithmeticOperation {
  sum,
  difference,  ///< first minus second; may be negative
  distance,    ///< the larger minus the smaller
  larger,
  smaller,
};

struct ArithmeticProblem {
  ArithmeticOperation operation = ArithmeticOperation::sum;
  std::string first;   ///< digits without leading zeros or separators
  std::string second;  ///
};

/// Nothing unless the text has exactly two whole numbers (at most 18 digits, perhaps with thousands separators) and
/// says clearly what to do with them.
std::optional<ArithmeticProblem> parse_arithmetic(std::string_view text);

}  // namespace retort
