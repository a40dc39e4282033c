// Low-rank adapters, as they are asked for: see lora.h for what they are.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"

namespace retort {

struct LoraSettings {
  std::int64_t rank = 0;  ///< 0: no adapters, everything is learned
  double alpha = 16;
  double dropout = 0;                ///< of what A reads, while learning
  bool rank_stabilised = false;      ///< rsLoRA
  std::vector<std::string> targets;  ///< q_proj, k_proj, v_proj, o_proj, gate_proj, up_proj, down_proj

  bool on() const { return rank > 0; }
  double scale() const;
  bool targets_module(std::string_view module) const;
};

/// The modules that adapters can stand beside.
const std::vector<std::string>& lora_modules();

/// Errc::usage names what cannot be.
Result<void> check_lora(const LoraSettings& settings);

/// PEFT's adapter_config.json. `base`: the checkpoint that the adapters belong to.
std::string adapter_config_json(const LoraSettings& settings, const std::string& base);

}  // namespace retort
