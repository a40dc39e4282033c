#pragma once

#include <compare>
#include <cstdint>

namespace retort {

using Tokens = std::int64_t;

/// Dollars in picodollars: prices per million tokens stay exact, and a cap of millions still fits.
struct Usd {
  std::int64_t pico = 0;

  static constexpr Usd from_dollars(double dollars) { return {static_cast<std::int64_t>(dollars * 1e12 + 0.5)}; }
  constexpr double dollars() const { return static_cast<double>(pico) * 1e-12; }
  friend constexpr auto operator<=>(Usd, Usd) = default;
  friend constexpr Usd operator+(Usd a, Usd b) { return {a.pico + b.pico}; }
  friend constexpr Usd operator-(Usd a, Usd b) { return {a.pico - b.pico}; }
  constexpr Usd& operator+=(Usd other) { return *this = *this + other; }
};

/// What one request takes from an allowance: an estimate before sending, the invoice afterwards.
struct Cost {
  Tokens input = 0;
  Tokens output = 0;
  Usd money;
  constexpr Tokens total() const { return input + output; }
};

}  // namespace retort
