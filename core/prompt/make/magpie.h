// Magpie (Xu et al. 2024, arXiv:2406.08464): an aligned open model is given its own chat template, cut where the user's
// turn begins, and writes that turn itself. That needs a dialect that completes a raw text, and strings that end the
// turn.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace retort {

/// A chat template up to the user's words. No token that servers put first by themselves (BOS) is in it.
struct CutTemplate {
  std::string_view name;
  std::string_view before_system, after_system;  ///< around a system message; both empty: the family has none
  std::string_view before_user;
  std::string_view stop;  ///< ends the user's turn
};

std::span<const CutTemplate> cut_templates();
/// Null if there is none of that name.
const CutTemplate* find_cut_template(std::string_view name);

/// The text to be completed.
std::string cut_text(const CutTemplate& cut, std::string_view system);

/// Why what was written is no prompt; empty if it is one: nothing, a mark of the template in it, or cut by the token
/// limit (`whole` is false).
std::string why_no_instruction(std::string_view written, bool whole, const std::vector<std::string>& marks);

}  // namespace retort
