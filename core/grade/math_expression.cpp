#include "core/grade/math_expression.h"

#include <array>

namespace retort {

Math make_math(MathNode::Kind kind, std::string name, std::vector<Math> parts) {
  return std::make_shared<const MathNode>(MathNode{kind, std::move(name), std::move(parts)});
}

std::string describe(const Math& math) {
  static constexpr std::array<std::string_view, 17> kNames = {
      "",        "", "sum", "product", "quotient", "power",    "negative", "", "",
      "percent", "", "set", "list",    "",         "relation", "matrix",   ""};
  std::string text(kNames[static_cast<std::size_t>(math->kind)]);
  text += (text.empty() || math->name.empty() ? "" : " ") + math->name;
  if (math->parts.empty()) return text;
  text += "(";
  for (std::size_t i = 0; i < math->parts.size(); ++i) text += (i == 0 ? "" : ", ") + describe(math->parts[i]);
  return text + ")";
}

}  // namespace retort
