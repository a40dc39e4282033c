// Inequalities, the reals, and the reals without some points, as unions of intervals.
#include <algorithm>
#include <sstream>

#include "core/grade/math_equal.h"
#include "core/grade/math_value.h"

namespace retort {
namespace {

using Kind = MathNode::Kind;
using Parts = std::vector<Math>;

Math infinity(bool positive) {
  Math math = make_math(Kind::symbol, "infinity");
  return positive ? math : make_math(Kind::negative, "", {math});
}

// "x", and "f(x)" as well.
bool is_variable(const Math& math) {
  if (math->kind == Kind::product && math->parts.size() == 2)
    return is_variable(math->parts[0]) && is_variable(math->parts[1]);
  return math->kind == Kind::symbol && !is_constant(math) && math->name != "infinity" &&
         !math->name.starts_with("mathbb");
}

// The reals without points, in order.
Math without(Parts points) {
  const auto place = [](const Math& math) { return value_at(math, 1)->value.real(); };
  std::sort(points.begin(), points.end(), [&](const Math& a, const Math& b) { return place(a) < place(b); });
  Parts parts;
  Math low = infinity(false);
  for (const Math& point : points) {
    parts.push_back(make_math(Kind::group, "()", {low, point}));
    low = point;
  }
  parts.push_back(make_math(Kind::group, "()", {low, infinity(true)}));
  return parts.size() == 1 ? parts.front() : make_math(Kind::unite, "union", std::move(parts));
}

bool all_real(const Parts& points) {
  return points.size() <= 50 && std::all_of(points.begin(), points.end(), [](const Math& point) {
           const auto value = value_at(point, 1);
           return is_constant(point) && value && value->value.imag() == 0;
         });
}

bool all_the_reals(const Math& math) { return math->kind == Kind::symbol && math->name == "mathbb R"; }

// x < 3, 3 > x, x != 3: the interval that one step says of the variable beside it.
Math from_step(const Math& left, const std::string& sign, const Math& right) {
  const bool variable_left = is_variable(left);
  const Math& bound = variable_left ? right : left;
  if (sign == "!=") return all_real({bound}) ? without({bound}) : nullptr;
  if (sign == "=") return nullptr;
  const bool below = (sign[0] == '<') == variable_left, closed = sign.size() == 2;
  if (below) return make_math(Kind::group, closed ? "(]" : "()", {infinity(false), bound});
  return make_math(Kind::group, closed ? "[)" : "()", {bound, infinity(true)});
}

Math from_relation(const Math& math) {
  std::istringstream words(math->name);
  std::string first, second;
  words >> first >> second;
  const Parts& sides = math->parts;
  if (sides.size() == 2) {
    if (is_variable(sides[0]) == is_variable(sides[1])) return nullptr;
    return from_step(sides[0], first, sides[1]);
  }
  if (sides.size() != 3 || !is_variable(sides[1]) || is_variable(sides[0]) || is_variable(sides[2])) return nullptr;
  const bool ascending = first[0] == '<' && second[0] == '<', descending = first[0] == '>' && second[0] == '>';
  if (!ascending && !descending) return nullptr;
  const std::string &low = ascending ? first : second, &high = ascending ? second : first;
  std::string brackets = low.size() == 2 ? "[" : "(";
  brackets += high.size() == 2 ? "]" : ")";
  return make_math(Kind::group, brackets, {ascending ? sides[0] : sides[2], ascending ? sides[2] : sides[0]});
}

}  // namespace

Math as_set(const Math& math) {
  if (all_the_reals(math)) return without({});
  if (math->kind == Kind::relation) {
    Math set = from_relation(math);
    return set ? set : math;
  }
  if (math->kind != Kind::unite) return math;
  if (math->name == "minus" && math->parts.size() == 2 && math->parts[1]->kind == Kind::set) {
    const Math whole = as_set(math->parts[0]);
    if (math_equal(whole, without({})) && all_real(math->parts[1]->parts)) return without(math->parts[1]->parts);
  }
  return math;
}

}  // namespace retort
