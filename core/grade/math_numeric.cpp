#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include "core/base/random.h"
#include "core/grade/math_value.h"

namespace retort {
namespace {

using Kind = MathNode::Kind;
using Complex = std::complex<long double>;

constexpr long double kUnit = std::numeric_limits<long double>::epsilon();

// A result that came by one rounded operation from operands whose errors contribute `error`.
std::optional<MathNumber> rounded(Complex value, long double error) {
  if (!std::isfinite(value.real()) || !std::isfinite(value.imag()) || !std::isfinite(error)) return {};
  return MathNumber{value, error + 4 * kUnit * std::abs(value)};
}

std::optional<MathNumber> multiplied(const MathNumber& a, const MathNumber& b) {
  const long double error = std::abs(a.value) * b.error + std::abs(b.value) * a.error + a.error * b.error;
  // Real times real stays real, also for the sign of zero, which chooses the branch of a root.
  if (a.value.imag() == 0 && b.value.imag() == 0) return rounded({a.value.real() * b.value.real(), 0}, error);
  return rounded(a.value * b.value, error);
}

std::optional<MathNumber> divided(const MathNumber& a, const MathNumber& b) {
  const long double size = std::abs(b.value);
  if (size <= b.error * 2) return {};
  const long double error = (a.error + std::abs(a.value) / size * b.error) / (size - b.error);
  if (b.value.imag() == 0) return rounded({a.value.real() / b.value.real(), a.value.imag() / b.value.real()}, error);
  return rounded(a.value / b.value, error);
}

std::optional<MathNumber> raised(const MathNumber& a, const MathNumber& b) {
  const long double size = std::abs(a.value);
  if (size <= a.error * 2) {
    if (b.value.real() <= 0) return {};
    return MathNumber{0, std::pow(size + a.error, std::min(b.value.real(), 1.0L)) + kUnit};
  }
  const bool whole = b.value.imag() == 0 && b.value.real() == std::floor(b.value.real()) && b.error < 1e-9L &&
                     std::abs(b.value.real()) < 10000;
  const bool real = a.value.imag() == 0 && b.value.imag() == 0 && (a.value.real() > 0 || whole);
  const Complex value = real ? Complex(std::pow(a.value.real(), b.value.real()), 0) : std::pow(a.value, b.value);
  const long double relative = std::abs(b.value) * a.error / size + std::abs(std::log(Complex(a.value))) * b.error +
                               8 * kUnit * (1 + std::abs(b.value));
  return rounded(value, std::abs(value) * relative);
}

std::optional<MathNumber> logarithm(const MathNumber& a) {
  const long double size = std::abs(a.value);
  if (size <= a.error * 2) return {};
  return rounded(std::log(a.value), a.error / size + kUnit);
}

// Functions of one argument; `slope` bounds how much of the argument's error comes through.
std::optional<MathNumber> function(const std::string& name, const MathNumber& a) {
  const Complex x = a.value;
  const auto one = [&](Complex value, long double slope) { return rounded(value, slope * a.error + kUnit); };
  const auto over = [&](Complex top, Complex bottom) -> std::optional<MathNumber> {
    const auto numerator = one(top, 1 + std::abs(top)), denominator = one(bottom, 1 + std::abs(bottom));
    return numerator && denominator ? divided(*numerator, *denominator) : std::nullopt;
  };
  if (name == "sin") return one(std::sin(x), std::abs(std::cos(x)) + a.error);
  if (name == "cos") return one(std::cos(x), std::abs(std::sin(x)) + a.error);
  if (name == "tan") return over(std::sin(x), std::cos(x));
  if (name == "cot") return over(std::cos(x), std::sin(x));
  if (name == "sec") return over(1, std::cos(x));
  if (name == "csc") return over(1, std::sin(x));
  if (name == "sinh") return one(std::sinh(x), std::abs(std::cosh(x)));
  if (name == "cosh") return one(std::cosh(x), std::abs(std::sinh(x)) + a.error);
  if (name == "tanh") return over(std::sinh(x), std::cosh(x));
  if (name == "arcsin") return one(std::asin(x), 1 / std::sqrt(std::abs(1.0L - x * x) + kUnit));
  if (name == "arccos") return one(std::acos(x), 1 / std::sqrt(std::abs(1.0L - x * x) + kUnit));
  if (name == "arctan") return one(std::atan(x), 1 / (std::abs(1.0L + x * x) + kUnit));
  if (name == "exp") return one(std::exp(x), std::abs(std::exp(x)));
  if (name == "abs") return one(std::abs(x), 1);
  if (name == "ln") return logarithm(a);
  const bool floor = name == "floor";
  if ((floor || name == "ceil") && x.imag() == 0) {
    const long double nearest = std::round(x.real());
    if (std::abs(x.real() - nearest) <= a.error) return MathNumber{nearest, 0};
    return MathNumber{floor ? std::floor(x.real()) : std::ceil(x.real()), 0};
  }
  return {};
}

std::optional<MathNumber> call(const MathNode& node, std::uint64_t seed) {
  const auto first = value_at(node.parts[0], seed);
  if (!first) return {};
  const std::string& name = node.name;
  if (name == "sqrt") return raised(*first, {0.5L, 0});
  if (name == "cbrt" || name == "root") {
    const auto index = name == "cbrt" ? std::optional(MathNumber{3, 0}) : value_at(node.parts[1], seed);
    if (!index || index->value.imag() != 0 || index->value.real() == 0) return {};
    const auto power = divided({1, 0}, *index);
    const bool odd = std::fmod(index->value.real(), 2.0L) == 1;
    // The odd root of a negative number is the real one, as in school; of a variable it is the power.
    if (power && odd && is_constant(node.parts[0]) && first->value.imag() == 0 && first->value.real() < 0) {
      const auto root = raised({-first->value, first->error}, *power);
      return root ? std::optional(MathNumber{-root->value, root->error}) : root;
    }
    return power ? raised(*first, *power) : power;
  }
  if (name == "log") {
    const auto base = node.parts.size() > 1 ? value_at(node.parts[1], seed) : std::optional(MathNumber{10, 0});
    const auto top = logarithm(*first), bottom = base ? logarithm(*base) : base;
    return top && bottom ? divided(*top, *bottom) : std::nullopt;
  }
  if (name == "factorial" || name == "binom") {
    const auto n = small_integer(node.parts[0]);
    const auto k = name == "binom" ? small_integer(node.parts[1]) : std::optional<std::int64_t>(0);
    if (!n || !k || *n < 0 || *n > 1700 || *k < 0 || *k > *n) return {};
    long double value = 1;
    for (std::int64_t i = *k == 0 && name == "binom" ? *n + 1 : *n - (name == "binom" ? *k : *n) + 1; i <= *n; ++i)
      value *= static_cast<long double>(i);
    for (std::int64_t i = 2; name == "binom" && i <= *k; ++i) value /= static_cast<long double>(i);
    return rounded(value, value * static_cast<long double>(*n) * 2 * kUnit);
  }
  return function(name, *first);
}

MathNumber symbol_value(const std::string& name, std::uint64_t seed) {
  if (name == "pi") return {std::numbers::pi_v<long double>, kUnit * 4};
  if (name == "e") return {std::numbers::e_v<long double>, kUnit * 4};
  if (name == "i") return {{0, 1}, 0};
  std::uint64_t hash = seed;
  for (const char c : name) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
  Random random(hash);
  const long double size = 0.25L + 2.75L * static_cast<long double>(random.uniform());
  return {random.chance(0.5) ? size : -size, 0};
}

}  // namespace

std::optional<MathNumber> value_at(const Math& math, std::uint64_t seed) {
  const auto& parts = math->parts;
  const auto part = [&](std::size_t i) { return value_at(parts[i], seed); };
  switch (math->kind) {
    case Kind::number: {
      const long double value = std::strtold(math->name.c_str(), nullptr);
      return rounded(value, 0);
    }
    case Kind::symbol:
      if (math->name == "infinity" || math->name.starts_with("mathbb")) return {};
      return symbol_value(math->name, seed);
    case Kind::sum:
    case Kind::product: {
      std::optional<MathNumber> total = MathNumber{math->kind == Kind::sum ? 0.0L : 1.0L, 0};
      for (std::size_t i = 0; i < parts.size() && total; ++i) {
        const auto value = part(i);
        if (!value) return {};
        total = math->kind == Kind::product ? multiplied(*total, *value)
                                            : rounded(total->value + value->value, total->error + value->error);
      }
      return total;
    }
    case Kind::negative: {
      auto value = part(0);
      // 0 - z, so that the imaginary part of a real number stays +0.
      if (value) value->value = Complex(0, 0) - value->value;
      return value;
    }
    case Kind::quotient: {
      const auto top = part(0), bottom = part(1);
      return top && bottom ? divided(*top, *bottom) : std::nullopt;
    }
    case Kind::percent: {
      const auto value = part(0);
      return value ? divided(*value, {100, 0}) : value;
    }
    case Kind::power: {
      const auto base = part(0), exponent = part(1);
      return base && exponent ? raised(*base, *exponent) : std::nullopt;
    }
    case Kind::call:
      return call(*math, seed);
    default:
      return {};
  }
}

}  // namespace retort
