#include "core/student/lora_settings.h"

#include <algorithm>
#include <cmath>

#include "core/base/json.h"

namespace retort {

const std::vector<std::string>& lora_modules() {
  static const std::vector<std::string> modules = {"q_proj",    "k_proj",  "v_proj",   "o_proj",
                                                   "gate_proj", "up_proj", "down_proj"};
  return modules;
}

double LoraSettings::scale() const {
  return alpha / (rank_stabilised ? std::sqrt(static_cast<double>(rank)) : static_cast<double>(rank));
}

bool LoraSettings::targets_module(std::string_view module) const {
  return on() && std::find(targets.begin(), targets.end(), module) != targets.end();
}

Result<void> check_lora(const LoraSettings& settings) {
  if (settings.rank < 0 || settings.rank > 4096) return fail(Errc::usage, "LoRA: the rank must be 0 to 4096");
  if (!settings.on()) return {};
  if (!(settings.alpha > 0 && settings.alpha <= 1e6)) return fail(Errc::usage, "LoRA: alpha must be above 0");
  if (!(settings.dropout >= 0 && settings.dropout < 1))
    return fail(Errc::usage, "LoRA: dropout must be at least 0 and below 1");
  if (settings.targets.empty()) return fail(Errc::usage, "LoRA: no targets");
  for (const std::string& target : settings.targets) {
    if (std::find(lora_modules().begin(), lora_modules().end(), target) == lora_modules().end()) {
      return fail(Errc::usage, "LoRA: '" + target.substr(0, 40) +
                                   "' is no target; they are q_proj, k_proj, v_proj, o_proj, gate_proj, up_proj and "
                                   "down_proj");
    }
  }
  return {};
}

std::string adapter_config_json(const LoraSettings& settings, const std::string& base) {
  nlohmann::ordered_json json;
  json["peft_type"] = "LORA";
  json["task_type"] = "CAUSAL_LM";
  json["base_model_name_or_path"] = base;
  json["r"] = settings.rank;
  json["lora_alpha"] = settings.alpha;
  json["lora_dropout"] = settings.dropout;
  json["use_rslora"] = settings.rank_stabilised;
  json["target_modules"] = settings.targets;
  json["bias"] = "none";
  json["fan_in_fan_out"] = false;
  json["modules_to_save"] = nullptr;
  json["inference_mode"] = true;
  return json.dump(2) + "\n";
}

}  // namespace retort
