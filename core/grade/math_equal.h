// Are two final answers of mathematics the same?
#pragma once

#include "core/grade/math_expression.h"

namespace retort {

/// True if a teacher would take one for the other. docs/graders.md has the rules. In short: values are compared exactly
/// (a decimal fraction stands for a number that it does not equal only with six places or more, each of them right),
/// sets and bare lists in any order, tuples in order, intervals with their ends, equations up to a constant factor;
/// "x = 5" may stand for 5, inequalities of one variable for intervals, and 50 % for 50 as well as for 0.5.
bool math_equal(const Math& a, const Math& b);

/// True if two expressions have the same value at every point that was tried. The ground floor of math_equal().
bool same_value(const Math& a, const Math& b);

/// The same as a set of the real line, if it is one that can be written with intervals and points: inequalities of one
/// variable, the reals, the reals without some points. Otherwise `math` itself.
Math as_set(const Math& math);

}  // namespace retort
