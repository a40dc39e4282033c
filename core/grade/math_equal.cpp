#include "core/grade/math_equal.h"

#include <algorithm>
#include <sstream>

#include "core/grade/math_value.h"
#include "core/grade/text_graders.h"

namespace retort {
namespace {

using Kind = MathNode::Kind;
using Parts = std::vector<Math>;

constexpr std::size_t kElementsMax = 200;  // of a list

bool is_set_like(const Math& math) {
  return math->kind == Kind::group || math->kind == Kind::set || math->kind == Kind::unite ||
         (math->kind == Kind::symbol && math->name.starts_with("mathbb"));
}

bool has_plus_minus(const Math& math) {
  return math->kind == Kind::plus_minus || std::any_of(math->parts.begin(), math->parts.end(), has_plus_minus);
}

// All upper signs, or all lower ones: a ± b ∓ c is two numbers, not four.
Math choose_signs(const Math& math, bool upper) {
  Parts parts;
  for (const Math& part : math->parts) parts.push_back(choose_signs(part, upper));
  if (math->kind != Kind::plus_minus) return make_math(math->kind, math->name, std::move(parts));
  const bool plus = (math->name == "+-") == upper;
  Math right = plus ? parts.back() : make_math(Kind::negative, "", {parts.back()});
  return parts.size() == 1 ? right : make_math(Kind::sum, "", {parts.front(), right});
}

// Elements of a list or set, ± written out.
Parts elements(const Math& math) {
  Parts result;
  const auto add = [&](const Math& part) {
    if (!has_plus_minus(part)) return result.push_back(part);
    result.push_back(choose_signs(part, true));
    result.push_back(choose_signs(part, false));
  };
  if (math->kind == Kind::list || math->kind == Kind::set || math->kind == Kind::group) {
    for (const Math& part : math->parts) add(part);
  } else {
    add(math);
  }
  return result;
}

// "x" and "f(x)": what a value may be given to.
bool is_name(const Math& math) {
  if (math->kind == Kind::symbol) return math->name != "pi" && math->name != "e" && math->name != "infinity";
  if (math->kind == Kind::group || math->kind == Kind::list)
    return std::all_of(math->parts.begin(), math->parts.end(), is_name);
  const bool abs = math->kind == Kind::call && math->name == "abs";
  return (math->kind == Kind::product || math->kind == Kind::quotient || abs) &&
         std::all_of(math->parts.begin(), math->parts.end(), is_name);
}

bool is_equation(const Math& math) {
  return math->kind == Kind::relation && math->name.find_first_not_of("= ") == std::string::npos;
}

// The value that an equation gives to a name, or at the end of a chain of them; else the equation.
Math assigned(const Math& math) {
  if (!is_equation(math)) return math;
  if (is_name(math->parts.front()) || std::all_of(math->parts.begin(), math->parts.end(), is_constant))
    return math->parts.back();
  return is_name(math->parts.back()) ? math->parts.front() : math;
}

bool each_equal(const Parts& a, const Parts& b) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (!math_equal(a[i], b[i])) return false;
  }
  return true;
}

Parts without_repeats(const Parts& parts) {
  Parts kept;
  for (const Math& part : parts) {
    if (std::none_of(kept.begin(), kept.end(), [&](const Math& seen) { return math_equal(seen, part); }))
      kept.push_back(part);
  }
  return kept;
}

bool equal_in_any_order(Parts a, Parts b) {
  if (a.size() != b.size() || a.size() > kElementsMax) return false;
  for (const Math& part : a) {
    const auto found = std::find_if(b.begin(), b.end(), [&](const Math& other) { return math_equal(part, other); });
    if (found == b.end()) return false;
    b.erase(found);
  }
  return true;
}

// Tuples of two say by their brackets which ends of an interval they hold.
bool same_groups(const Math& a, const Math& b) {
  if (a->parts.size() != b->parts.size()) return false;
  const auto even = [](const Math& math) { return math->name == "()" || math->name == "[]"; };
  if (a->name != b->name && (a->parts.size() == 2 || !even(a) || !even(b))) return false;
  return each_equal(a->parts, b->parts);
}

Math minus(const Math& a, const Math& b) { return make_math(Kind::sum, "", {a, make_math(Kind::negative, "", {b})}); }

// The sign of the factor between two expressions that are proportional: +1, -1; 0 if they are not, or not known to be.
int proportional(const Math& left, const Math& right) {
  const auto x = value_at(left, 1), y = value_at(right, 1);
  if (!x || !y || std::abs(y->value) <= 4 * y->error || std::abs(x->value) <= 4 * x->error) return 0;
  // left / right is the same number at every point: left(p) · right(q) = left(q) · right(p) for all p and q.
  int agreed = 0;
  for (std::uint64_t seed = 2; seed < 10; ++seed) {
    const auto u = value_at(left, seed), v = value_at(right, seed);
    if (!u || !v) continue;
    const auto cross = x->value * v->value - u->value * y->value;
    const long double allowed = std::abs(x->value) * v->error + x->error * std::abs(v->value) +
                                std::abs(u->value) * y->error + u->error * std::abs(y->value) +
                                8e-19L * (std::abs(x->value * v->value) + std::abs(u->value * y->value));
    if (std::abs(cross) > 4 * allowed) return 0;
    ++agreed;
  }
  if (agreed == 0) return 0;
  return (x->value / y->value).real() > 0 ? 1 : -1;
}

// Equations whose differences of sides are proportional have the same solutions.
bool same_equations(const Math& a, const Math& b) {
  if (a->parts.size() == 2 && b->parts.size() == 2)
    return proportional(minus(a->parts[0], a->parts[1]), minus(b->parts[0], b->parts[1])) != 0 ||
           each_equal(a->parts, b->parts);
  // x = 1 + 1 = 2: what counts is the beginning, if it says something, and the end.
  const bool computed = is_constant(a->parts.front()) && is_constant(b->parts.front());
  return (computed || math_equal(a->parts.front(), b->parts.front())) && math_equal(a->parts.back(), b->parts.back());
}

std::vector<std::string> signs_of(const Math& relation) {
  std::istringstream words(relation->name);
  std::vector<std::string> signs;
  for (std::string sign; words >> sign;) signs.push_back(sign);
  return signs;
}

std::string turned(const std::string& sign) {
  if (sign == "<") return ">";
  if (sign == ">") return "<";
  if (sign == "<=") return ">=";
  if (sign == ">=") return "<=";
  return sign;
}

bool same_inequalities(const Math& a, const Math& b) {
  if (each_equal(a->parts, b->parts) && a->name == b->name) return true;
  Parts reversed(b->parts.rbegin(), b->parts.rend());
  std::string name;
  const auto signs = signs_of(b);
  for (auto sign = signs.rbegin(); sign != signs.rend(); ++sign) name += (name.empty() ? "" : " ") + turned(*sign);
  if (name == a->name && each_equal(a->parts, reversed)) return true;
  if (a->parts.size() != 2 || b->parts.size() != 2 || (a->name.size() != b->name.size())) return false;
  const int factor = proportional(minus(a->parts[0], a->parts[1]), minus(b->parts[0], b->parts[1]));
  if (a->name == "!=" || b->name == "!=") return factor != 0 && a->name == b->name;
  return factor != 0 && (factor > 0) == (a->name == b->name);
}

// The one variable of an inequality, for as_set(); null if its sides are no bare variable and constants.
const MathNode* bare_variable(const Math& math) {
  const MathNode* found = nullptr;
  for (const Math& part : math->parts) {
    const bool infinite = part->kind == Kind::symbol
                              ? part->name == "infinity"
                              : part->kind == Kind::negative && part->parts[0]->kind == Kind::symbol &&
                                    part->parts[0]->name == "infinity";
    if (is_constant(part) || infinite) continue;
    if (part->kind != Kind::symbol || found != nullptr) return nullptr;
    found = part.get();
  }
  return found;
}

bool same_relations(const Math& a, const Math& b) {
  const bool left = is_equation(a), right = is_equation(b);
  if (left != right) return false;
  if (left) return same_equations(a, b);
  const MathNode *x = bare_variable(a), *y = bare_variable(b);
  if (x != nullptr && y != nullptr && x->name == y->name) {
    const Math one = as_set(a), other = as_set(b);
    if (one != a && other != b) return math_equal(one, other);
  }
  return same_inequalities(a, b);
}

bool same_sets(Math a, Math b) {
  a = as_set(a);
  b = as_set(b);
  if (a->kind == Kind::unite && b->kind == Kind::unite) {
    if (a->name != b->name) return false;
    return a->name == "minus" ? each_equal(a->parts, b->parts) : equal_in_any_order(a->parts, b->parts);
  }
  if (a->kind == Kind::group && b->kind == Kind::group) return same_groups(a, b);
  if (a->kind == Kind::set && b->kind == Kind::set)
    return equal_in_any_order(without_repeats(elements(a)), without_repeats(elements(b)));
  return a->kind == Kind::symbol && b->kind == Kind::symbol && a->name == b->name;
}

// Letters beside each other are a word where the other side is one.
std::string spelled(const Math& math) {
  if (math->kind == Kind::text) return math->name;
  if (math->kind != Kind::product) return describe(math);
  std::string letters;
  for (const Math& part : math->parts) letters += describe(part);
  return letters;
}

bool same_words(const Math& a, const Math& b) {
  const auto words = [](const Math& math) {
    std::string text = normalised_text(spelled(math));
    std::erase_if(text, [](char c) { return c == '(' || c == ')'; });
    return text;
  };
  return words(a) == words(b);
}

// One side is a bare list, or a set of what the other side lists.
bool same_lists(const Math& a, const Math& b) {
  const Math &list = a->kind == Kind::list ? a : b, &other = a->kind == Kind::list ? b : a;
  if (other->kind == Kind::group)
    return other->name == "()" || other->parts.size() > 2 ? each_equal(elements(list), other->parts) : false;
  if (other->kind == Kind::list) return equal_in_any_order(elements(list), elements(other));
  return equal_in_any_order(without_repeats(elements(list)), without_repeats(elements(other)));
}

bool same_base(const Math& a, const Math& b) {
  const auto based = [](const Math& math) { return math->kind == Kind::call && math->name == "base"; };
  if (based(a) && based(b)) return each_equal(a->parts, b->parts);
  return based(a) ? math_equal(a->parts[0], b) : math_equal(a, b->parts[0]);
}

bool is_base(const Math& math) { return math->kind == Kind::call && math->name == "base"; }

Math unwrapped(const Math& math) {
  return math->kind == Kind::set && math->parts.size() == 1 && !has_plus_minus(math) ? math->parts[0] : math;
}

}  // namespace

bool math_equal(const Math& first, const Math& second) {
  if (first->kind == Kind::relation && second->kind == Kind::relation) return same_relations(first, second);
  const Math a = unwrapped(assigned(first)), b = unwrapped(assigned(second));
  if (a->kind == Kind::text || b->kind == Kind::text) return same_words(a, b);
  const bool a_list = a->kind == Kind::list || has_plus_minus(a), b_list = b->kind == Kind::list || has_plus_minus(b);
  if (a->kind == Kind::list || b->kind == Kind::list) return same_lists(a, b);
  if (a_list || b_list) {
    if (a->kind == Kind::group || b->kind == Kind::group) return a->kind == b->kind && same_groups(a, b);
    return equal_in_any_order(without_repeats(elements(a)), without_repeats(elements(b)));
  }
  if (is_set_like(a) || is_set_like(b)) return same_sets(a, b);
  if (a->kind == Kind::relation || b->kind == Kind::relation) return a->kind == b->kind && same_relations(a, b);
  if (a->kind == Kind::matrix || b->kind == Kind::matrix) {
    if (a->kind != b->kind || a->parts.size() != b->parts.size()) return false;
    for (std::size_t i = 0; i < a->parts.size(); ++i) {
      if (!each_equal(a->parts[i]->parts, b->parts[i]->parts)) return false;
    }
    return true;
  }
  if (is_base(a) || is_base(b)) return same_base(a, b);
  if (a->kind == Kind::percent && b->kind != Kind::percent && same_value(a->parts[0], b)) return true;
  if (b->kind == Kind::percent && a->kind != Kind::percent && same_value(a, b->parts[0])) return true;
  return same_value(a, b);
}

}  // namespace retort
