#include "core/teacher/prices.h"

#include <algorithm>

namespace retort {
namespace {

// Dollars per million tokens are millionths of a dollar each: 1e6 picodollars.
Usd price(Tokens tokens, double dollars_per_million) {
  return {static_cast<std::int64_t>(static_cast<double>(tokens) * dollars_per_million * 1e6 + 0.5)};
}

}  // namespace

bool PriceWindow::holds_at(WallTime at) const {
  constexpr std::int64_t kDayMs = 86'400'000, kMinuteMs = 60'000;
  const auto minute = static_cast<int>(((at.ms % kDayMs) + kDayMs) % kDayMs / kMinuteMs);
  return from_minute <= to_minute ? minute >= from_minute && minute < to_minute
                                  : minute >= from_minute || minute < to_minute;
}

const Price& Prices::at(WallTime time) const {
  const auto window =
      std::find_if(windows_.begin(), windows_.end(), [&](const PriceWindow& one) { return one.holds_at(time); });
  return window == windows_.end() ? usual_ : window->price;
}

Usd Prices::most(Tokens input, Tokens output) const {
  const auto cost = [&](const Price& one) {
    return price(input, std::max({one.input, one.cached_input, one.cache_write})) + price(output, one.output);
  };
  Usd most = cost(usual_);
  for (const PriceWindow& window : windows_) most = std::max(most, cost(window.price));
  return most;
}

Usd Prices::of(Tokens input, Tokens output, Tokens cached_input, WallTime time, Tokens cache_written) const {
  const Price& now = at(time);
  const Tokens cached = now.cached_input < 0 ? 0 : std::clamp<Tokens>(cached_input, 0, input);
  const Tokens written = now.cache_write < 0 ? 0 : std::clamp<Tokens>(cache_written, 0, input - cached);
  return price(input - cached - written, now.input) + price(cached, now.cached_input) +
         price(written, now.cache_write) + price(output, now.output);
}

}  // namespace retort
