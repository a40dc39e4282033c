#include "core/serve/arithmetic.h"

#include <algorithm>
#include <array>

#include "core/base/assert.h"
#include "core/serve/arithmetic_parser.h"

namespace retort {
namespace {

struct Wording {
  const char* carry;
  const char* borrow;
  const char* first;
  const char* second;
};
constexpr std::array kWordings{Wording{"carry", "borrow", "first", "second"}, Wording{"keep", "owe", "left", "right"},
                               Wording{"move", "take", "former", "latter"}};

// Decimal strings throughout: 18 digits and a carry do not fit every integer, and columns are what we show anyway.
std::string padded(const std::string& digits, std::size_t width) {
  return std::string(width - digits.size(), '0') + digits;
}

std::string without_leading_zeros(const std::string& digits) {
  const std::size_t first = digits.find_first_not_of('0');
  return first == std::string::npos ? "0" : digits.substr(first);
}

bool less_than(const std::string& a, const std::string& b) {
  return a.size() != b.size() ? a.size() < b.size() : a < b;
}

char digit(int value) { return static_cast<char>('0' + value); }

ArithmeticAnswer add(const std::string& a, const std::string& b, const Wording& say) {
  const std::size_t width = std::max(a.size(), b.size());
  const std::string top = padded(a, width);
  const std::string bottom = padded(b, width);
  std::string steps = top + "+" + bottom;
  std::string total;
  int carry = 0;
  for (std::size_t i = width; i-- > 0;) {
    const int sum = (top[i] - '0') + (bottom[i] - '0') + carry;
    steps += {'\n', top[i], '+', bottom[i], '+', digit(carry), '='};
    steps += std::to_string(sum);
    carry = sum / 10;
    total.insert(0, i == 0 ? std::to_string(sum) : std::string(1, digit(sum % 10)));
    if (i > 0) steps += std::string(" ") + say.carry + " " + digit(carry);
  }
  return {steps, without_leading_zeros(total), true};
}

ArithmeticAnswer subtract(const std::string& a, const std::string& b, const Wording& say) {
  const std::size_t width = std::max(a.size(), b.size());
  if (less_than(a, b)) {
    ArithmeticAnswer turned = subtract(b, a, say);
    return {padded(a, width) + "-" + padded(b, width) + " below 0\n" + turned.reasoning, "-" + turned.answer, true};
  }
  const std::string top = padded(a, width);
  const std::string bottom = padded(b, width);
  std::string steps = top + "-" + bottom;
  std::string rest;
  int borrow = 0;
  for (std::size_t i = width; i-- > 0;) {
    const int take = (bottom[i] - '0') + borrow;
    const int left = (top[i] - '0') - take;
    const int next_borrow = left < 0 ? 1 : 0;
    const char result = digit(left + 10 * next_borrow);
    steps += {'\n', top[i], '-'};
    steps += std::to_string(take);
    steps += next_borrow == 1 ? "+10=" : "=";
    steps += result;
    rest.insert(rest.begin(), result);
    borrow = next_borrow;
    if (i > 0) steps += std::string(" ") + say.borrow + " " + digit(borrow);
  }
  return {steps, without_leading_zeros(rest), true};
}

char relation(char a, char b) { return a < b ? '<' : a > b ? '>' : '='; }

ArithmeticAnswer compare(const std::string& a, const std::string& b, bool larger, const Wording& say) {
  const std::size_t width = std::max(a.size(), b.size());
  const std::string top = padded(a, width);
  const std::string bottom = padded(b, width);
  std::string steps = top + "," + bottom;
  char order = '=';  // so far, from the left: the first difference decides
  for (std::size_t i = 0; i < width; ++i) {
    if (order == '=') order = relation(top[i], bottom[i]);
    steps += {'\n', top[i], ',', bottom[i], order};
  }
  const bool first = order == '=' || (order == '>') == larger;
  steps += std::string("\n") + (larger ? "larger " : "smaller ") + (first ? say.first : say.second);
  return {steps, first ? a : b, true};
}

}  // namespace

ArithmeticAnswer answer_arithmetic(std::string_view problem, std::uint64_t seed) {
  const std::optional<ArithmeticProblem> parsed = parse_arithmetic(problem);
  if (!parsed) {
    return {"",
            "I only do arithmetic: sums, differences, comparisons and short stories with two whole numbers of at most "
            "18 digits.",
            false};
  }
  const Wording& say = kWordings[seed % kWordings.size()];
  const auto& [operation, a, b] = *parsed;
  switch (operation) {
    case ArithmeticOperation::sum:
      return add(a, b, say);
    case ArithmeticOperation::difference:
      return subtract(a, b, say);
    case ArithmeticOperation::distance:
      return less_than(a, b) ? subtract(b, a, say) : subtract(a, b, say);
    case ArithmeticOperation::larger:
      return compare(a, b, true, say);
    case ArithmeticOperation::smaller:
      return compare(a, b, false, say);
  }
  RETORT_ASSERT(false);
}

}  // namespace retort
