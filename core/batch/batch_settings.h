// What the parts of `retort batch` share: how a provider's batches are asked, and at what price.
#pragma once

#include <cmath>
#include <cstdint>

#include "core/batch/batch_api.h"
#include "core/harvest/harvester.h"

namespace retort {

struct BatchSettings {
  HarvestSettings harvest;     ///< what is asked and how; never a stream
  double price_factor = 1;     ///< of the usual price
  BatchSize size_max;          ///< of one batch
  Duration settle = 60s;       ///< after which a provider's list of batches shows what was created
  std::uint64_t key_seed = 0;  ///< of the keys of new batches
};

/// At a batch's price.
inline Cost at_price(Cost cost, double factor) {
  cost.money = Usd{std::llround(static_cast<double>(cost.money.pico) * factor)};
  return cost;
}

}  // namespace retort
