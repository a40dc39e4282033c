// What a profile says tokens cost, and at which hours.
#pragma once

#include <toml++/toml.h>

#include "core/base/result.h"
#include "core/teacher/prices.h"

namespace retort {

/// The prices of a profile. `usual` are those of any hour; `windows` is the list behind price_windows, or null:
/// { from = "16:30", to = "00:30", input_per_million = 0.07, output_per_million = 1.1 }, by UTC.
/// `cache_write_factor`: what writing into the provider's cache costs, in prices of input, where it is not stated.
Result<Prices> read_prices(Price usual, double cache_write_factor, const toml::array* windows);

}  // namespace retort
