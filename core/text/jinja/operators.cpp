// The evaluator's operators: arithmetic as Python has it, comparisons in chains, slices.
#include <algorithm>
#include <cmath>

#include "core/text/jinja/evaluator.h"

namespace retort::jinja {
namespace {

double real(const Value& value) {
  if (const auto* d = value.as<double>()) return *d;
  return static_cast<double>(whole_number(value));
}
bool is_whole(const Value& value) { return value.as<std::int64_t>() != nullptr || value.as<bool>() != nullptr; }
bool is_number(const Value& value) { return is_whole(value) || value.as<double>() != nullptr; }

}  // namespace

Value arithmetic(const std::string& sign, const Value& a, const Value& b) {
  if (!is_whole(a) || !is_whole(b) || sign == "/") {
    const double x = real(a), y = real(b);
    if (sign == "+") return x + y;
    if (sign == "-") return x - y;
    if (sign == "*") return x * y;
    if (sign == "**") return std::pow(x, y);
    if (y == 0) throw Fault{"division by zero"};
    if (sign == "/") return x / y;
    return sign == "//" ? std::floor(x / y) : x - y * std::floor(x / y);
  }
  const std::int64_t x = whole_number(a), y = whole_number(b);
  std::int64_t made = 0;
  bool wraps = false;
  if (sign == "+") {
    wraps = __builtin_add_overflow(x, y, &made);
  } else if (sign == "-") {
    wraps = __builtin_sub_overflow(x, y, &made);
  } else if (sign == "*") {
    wraps = __builtin_mul_overflow(x, y, &made);
  } else if (sign == "**") {
    if (y < 0 || y > 64) throw Fault{"a power that is too large"};
    made = 1;
    for (std::int64_t i = 0; i < y && !wraps; ++i) wraps = __builtin_mul_overflow(made, x, &made);
  } else {
    if (y == 0) throw Fault{"division by zero"};
    if (y == -1) return arithmetic("-", std::int64_t{0}, sign == "//" ? Value(x) : Value(std::int64_t{0}));
    made = x / y - ((x % y != 0 && (x < 0) != (y < 0)) ? 1 : 0);
    if (sign == "%") made = x - made * y;
  }
  if (wraps) throw Fault{"a number is too large"};
  return made;
}

Value Evaluator::compare(const Node& node) {
  Value left = evaluate(*node.kids[0]);
  for (std::size_t i = 0; i < node.names.size(); ++i) {
    Value right = evaluate(*node.kids[i + 1]);
    const std::string& sign = node.names[i];
    bool holds = false;
    if (sign == "==" || sign == "!=") {
      holds = equal(left, right) == (sign == "==");
    } else if (sign == "in" || sign == "not in") {
      holds = contains(right, left) == (sign == "in");
    } else if (sign == "<" || sign == ">=") {
      holds = less(left, right) == (sign == "<");
    } else {
      holds = less(right, left) == (sign == ">");
    }
    if (!holds) return false;
    left = std::move(right);
  }
  return true;
}

Value Evaluator::binary(const Node& node) {
  const Value a = evaluate(*node.kids[0]), b = evaluate(*node.kids[1]);
  const std::string& sign = node.text;
  if (sign == "~" || (sign == "+" && a.as<Text>() != nullptr && b.as<Text>() != nullptr)) {
    Text made = to_text(a);
    const Text more = to_text(b);
    charge(made.size() + more.size());
    made.append(more);
    return made;
  }
  if (sign == "+" && a.as<List>() != nullptr && b.as<List>() != nullptr) {
    std::vector<Value> items = (*a.as<List>())->items;
    const auto& more = (*b.as<List>())->items;
    charge((items.size() + more.size()) * sizeof(Value));
    items.insert(items.end(), more.begin(), more.end());
    return make_list(std::move(items), (*a.as<List>())->tuple);
  }
  if (sign == "*" && a.as<Text>() != nullptr && is_whole(b)) {
    const std::int64_t times = std::max<std::int64_t>(whole_number(b), 0);
    const Text& text = *a.as<Text>();
    if (text.size() > 0 && static_cast<std::uint64_t>(times) > limits_.bytes / text.size())
      throw Fault{"the template writes too much"};
    charge(static_cast<std::size_t>(times) * text.size());
    Text made;
    for (std::int64_t i = 0; text.size() > 0 && i < times; ++i) made.append(text);
    return made;
  }
  if (!is_number(a) || !is_number(b)) throw Fault{"'" + sign + "' of " + type_name(a) + " and " + type_name(b)};
  return arithmetic(sign, a, b);
}

Value Evaluator::slice(const Node& node) {
  const Value of = evaluate(*node.kids[0]);
  std::optional<std::int64_t> bounds[3];
  for (std::size_t i = 0; i < 3; ++i) {
    if (node.other[i] == nullptr) continue;
    const Value bound = evaluate(*node.other[i]);
    if (!bound.is_none()) bounds[i] = whole_number(bound);
  }
  if (of.is_undefined() || (of.as<Text>() == nullptr && of.as<List>() == nullptr))
    throw Fault{"a slice of " + type_name(of)};
  const Text* text = of.as<Text>();
  const auto count =
      static_cast<std::int64_t>(text != nullptr ? characters(text->view()) : (*of.as<List>())->items.size());
  const std::int64_t step = bounds[2].value_or(1);
  if (step == 0) throw Fault{"a slice with step 0"};
  const std::int64_t low = step > 0 ? 0 : -1, high = step > 0 ? count : count - 1;
  const auto clamp = [&](std::int64_t at) { return std::clamp(at < 0 ? at + count : at, low, high); };
  const std::int64_t from = bounds[0] ? clamp(*bounds[0]) : step > 0 ? low : high;
  const std::int64_t to = bounds[1] ? clamp(*bounds[1]) : step > 0 ? high : low;
  if (text != nullptr && step == 1) {
    if (from >= to) return Text();
    return text->part(byte_of_character(text->view(), static_cast<std::size_t>(from)),
                      byte_of_character(text->view(), static_cast<std::size_t>(to)));
  }
  const std::vector<Value> items = elements(of);
  std::vector<Value> kept;
  for (std::int64_t at = from; step > 0 ? at < to : at > to; at += step) {
    kept.push_back(items[static_cast<std::size_t>(at)]);
    if (step > count || step < -count) break;
  }
  if (text == nullptr) return make_list(std::move(kept), (*of.as<List>())->tuple);
  Text made;
  for (const Value& c : kept) made.append(*c.as<Text>());
  return made;
}

}  // namespace retort::jinja
