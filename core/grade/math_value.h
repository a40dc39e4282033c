// What an expression is worth: exactly modulo a prime where only rational operations occur, in floating point with a
// bound of its own error elsewhere.
#pragma once

#include <complex>
#include <cstdint>
#include <optional>

#include "core/grade/math_expression.h"

namespace retort {

/// The value modulo the prime 2^61 - 31 with every symbol at a point drawn from `seed` by its name; i is a square root
/// of -1 there, and pi and e are symbols like others, being transcendental. Two rational expressions that agree at
/// three points are the same but for a chance of about 1e-17 (Schwartz, Zippel); two that differ at one are not.
/// Nothing if something in it is not rational (roots, functions, powers that are no small whole number) or it divides
/// by zero at this point.
std::optional<std::uint64_t> value_modulo(const Math& math, std::uint64_t seed);

/// A complex value and a bound of its error.
struct MathNumber {
  std::complex<long double> value;
  long double error = 0;
};

/// The same by floating point, with real symbols between -3 and 3 drawn from `seed`. Nothing where it is undefined or
/// not a number at all (a set, a text, infinity).
std::optional<MathNumber> value_at(const Math& math, std::uint64_t seed);

/// A whole number within ±10^15, if a constant expression of rational operations is one.
std::optional<std::int64_t> small_integer(const Math& math);

/// No symbols but pi, e and i.
bool is_constant(const Math& math);

}  // namespace retort
