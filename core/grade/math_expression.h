// The final answers of mathematics as trees: what the parser makes and the comparison reads.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"

namespace retort {

struct MathNode;
using Math = std::shared_ptr<const MathNode>;

/// Immutable. `name` and `parts` mean what the kind says.
struct MathNode {
  enum class Kind {
    number,      ///< name: decimal digits with at most one point
    symbol,      ///< name: "x", "x_1", "pi", "infinity", "i", "e"
    sum,         ///< of the parts
    product,     ///< of the parts
    quotient,    ///< parts: numerator, denominator
    power,       ///< parts: base, exponent
    negative,    ///< of the part
    plus_minus,  ///< parts: optional left side, right side; name: "+-" or "-+"
    call,        ///< name: the function ("sqrt", "sin", "abs", "binom", "log" with the base second, …)
    percent,     ///< of the part
    group,       ///< name: its two brackets, "()" "[)" …; two parts or more: a tuple, an interval
    set,         ///< of the parts, in braces
    list,        ///< parts separated by commas, without brackets
    unite,       ///< name: "union", "intersection", "minus"
    relation,    ///< name: one of = < > <= >= != per step, separated by blanks; parts: the sides
    matrix,      ///< parts: rows, each a list
    text,        ///< name: words
  };
  Kind kind = Kind::text;
  std::string name;
  std::vector<Math> parts;
};

Math make_math(MathNode::Kind kind, std::string name, std::vector<Math> parts = {});

/// Reads LaTeX or plain notation: one final answer, without the prose around it. Errc::usage for what it cannot read,
/// with the reason; never more than a bounded depth and length, whatever the bytes.
Result<Math> parse_math(std::string_view text);

/// The same tree as text, for reasons and tests: "sum(x, quotient(1, 2))".
std::string describe(const Math& math);

}  // namespace retort
