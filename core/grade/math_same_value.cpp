// Exactly where that is possible, by probing where it is not.
#include <algorithm>
#include <cmath>

#include "core/grade/math_equal.h"
#include "core/grade/math_value.h"

namespace retort {
namespace {

using Kind = MathNode::Kind;

constexpr int kPointsWanted = 4, kPointsTried = 16;
constexpr std::uint64_t kSeed = 0x7265746f7274ULL;

enum class Answer { yes, no, unknown };

Answer exactly(const Math& a, const Math& b) {
  int agreed = 0;
  for (std::uint64_t i = 0; i < kPointsTried && agreed < kPointsWanted; ++i) {
    const auto left = value_modulo(a, kSeed + i), right = value_modulo(b, kSeed + i);
    if (!left || !right) continue;
    if (*left != *right) return Answer::no;
    ++agreed;
  }
  return agreed > 0 ? Answer::yes : Answer::unknown;
}

// Both defined or both not, and equal within twice the bound of their errors, which must be small against them.
Answer by_probing(const Math& a, const Math& b) {
  constexpr long double kLoose = 1e-9L;
  int agreed = 0, lone = 0;
  for (std::uint64_t i = 0; i < kPointsTried && agreed < kPointsWanted; ++i) {
    const auto left = value_at(a, kSeed + i), right = value_at(b, kSeed + i);
    if (!left || !right) {
      lone += left.has_value() != right.has_value() ? 1 : 0;
      continue;
    }
    const long double allowed = 2 * (left->error + right->error) + 1e-300L;
    const long double apart = std::abs(left->value - right->value);
    if (apart > allowed) return Answer::no;
    const long double size = std::max(std::abs(left->value), std::abs(right->value));
    if (allowed > kLoose * std::max(size, 1.0L)) continue;  // too blurred to tell
    ++agreed;
  }
  if (agreed > 0) return Answer::yes;
  return lone > 0 ? Answer::no : Answer::unknown;
}

/// -1, 0, 1: the infinity that an expression is.
int infinity(const Math& math) {
  if (math->kind == Kind::symbol) return math->name == "infinity" ? 1 : 0;
  if (math->kind == Kind::negative) return -infinity(math->parts[0]);
  return 0;
}

// A decimal fraction as somebody wrote it, with its sign; null if it is none.
const MathNode* decimal(const Math& math, bool* negative) {
  const MathNode* node = math.get();
  *negative = false;
  while (node->kind == Kind::negative) {
    *negative = !*negative;
    node = node->parts[0].get();
  }
  return node->kind == Kind::number && node->name.find('.') != std::string::npos ? node : nullptr;
}

// 0.333333 for 1/3 and 1.414214 for √2: rounded or cut off, with six significant places at least.
bool rounds_to(const Math& rough, const Math& exact) {
  bool negative = false, other = false;
  const MathNode* number = decimal(rough, &negative);
  if (number == nullptr || !is_constant(exact)) return false;
  const std::string& digits = number->name;
  const int places = static_cast<int>(digits.size() - digits.find('.') - 1);
  // Of two decimal fractions the longer one is the exact one.
  const MathNode* longer = decimal(exact, &other);
  if (longer != nullptr && static_cast<int>(longer->name.size() - longer->name.find('.') - 1) <= places) return false;
  const std::size_t first = digits.find_first_not_of("0.");
  if (places < 6 || places > 18 || first == std::string::npos || digits.size() - first < 6) return false;
  const auto value = value_at(exact, kSeed);
  const auto written = value_at(rough, kSeed);
  if (!value || !written || std::abs(value->value.imag()) > value->error) return false;
  const long double unit = std::pow(10.0L, -places), blur = value->error + written->error;
  const long double apart = std::abs(written->value.real() - value->value.real());
  const long double short_of = std::abs(value->value.real()) - std::abs(written->value.real());
  const bool cut = short_of >= 0 && apart < unit && (value->value.real() < 0) == negative;
  return apart <= unit / 2 + blur || cut;
}

}  // namespace

bool same_value(const Math& a, const Math& b) {
  if (const int left = infinity(a), right = infinity(b); left != 0 || right != 0) return left == right;
  Answer same = exactly(a, b);
  if (same == Answer::unknown) same = by_probing(a, b);
  if (same == Answer::unknown) return describe(a) == describe(b);
  return same == Answer::yes || rounds_to(a, b) || rounds_to(b, a);
}

}  // namespace retort
