// Low-rank adapters (Hu et al. 2021, arXiv:2106.09685): beside a frozen matrix W stands (scale)·B·A, and only A and B
// are learned. With rsLoRA (Kalajdzievski 2023, arXiv:2312.03732) the scale is alpha/sqrt(rank) instead of alpha/rank.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/student/lora_settings.h"
#include "core/student/torch.h"

namespace retort {

/// A matrix that is applied to every token, and the adapters beside ranges of its rows.
struct Linear {
  struct Adapter {
    std::int64_t begin = 0, rows = 0;  ///< of the matrix
    std::string module;
    at::Tensor a, b;  ///< [rank, in], [rows, rank]
  };
  at::Tensor weight, bias;  ///< [out, in]; [out] or undefined
  std::vector<Adapter> adapters;
};

/// x·Wᵀ + bias, plus what the adapters add. Matrix products are made in numbers of `compute`, which is the result's
/// type too. `dropout_seed`: draws what A does not see; the same seed leaves out the same.
at::Tensor apply_linear(const at::Tensor& x, const Linear& linear, at::ScalarType compute, const LoraSettings& lora,
                        std::optional<std::uint64_t> dropout_seed);

}  // namespace retort
