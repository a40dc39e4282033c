#include "core/prompt/make/magpie.h"

#include <array>

#include "core/base/text.h"

namespace retort {
namespace {

constexpr std::array kTemplates = {
    CutTemplate{"chatml", "<|im_start|>system\n", "<|im_end|>\n", "<|im_start|>user\n", "<|im_end|>"},
    CutTemplate{"llama3", "<|start_header_id|>system<|end_header_id|>\n\n", "<|eot_id|>",
                "<|start_header_id|>user<|end_header_id|>\n\n", "<|eot_id|>"},
    CutTemplate{"gemma", "", "", "<start_of_turn>user\n", "<end_of_turn>"},
    CutTemplate{"mistral", "", "", "[INST] ", "[/INST]"},
    CutTemplate{"phi3", "<|system|>\n", "<|end|>\n", "<|user|>\n", "<|end|>"},
    CutTemplate{"retort", "<|system|>", "<|end|>", "<|user|>", "<|end|>"},
};

constexpr std::size_t kBytesMin = 10;

}  // namespace

std::span<const CutTemplate> cut_templates() { return kTemplates; }

const CutTemplate* find_cut_template(std::string_view name) {
  for (const CutTemplate& cut : kTemplates) {
    if (cut.name == name) return &cut;
  }
  return nullptr;
}

std::string cut_text(const CutTemplate& cut, std::string_view system) {
  std::string text;
  if (!system.empty()) {
    text += cut.before_system;
    text += system;
    text += cut.after_system;
  }
  return text + std::string(cut.before_user);
}

std::string why_no_instruction(std::string_view written, bool whole, const std::vector<std::string>& marks) {
  if (!whole) return "cut at the token limit";
  const std::string_view text = trimmed(written);
  if (text.size() < kBytesMin) return text.empty() ? "nothing was written" : "too short";
  for (const std::string& mark : marks) {
    if (!trimmed(mark).empty() && text.find(trimmed(mark)) != std::string_view::npos)
      return "a mark of the template is in it";
  }
  return {};
}

}  // namespace retort
