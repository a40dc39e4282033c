#include "core/grade/number_grader.h"

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "core/base/text.h"
#include "core/grade/final_answer.h"
#include "core/grade/math_equal.h"
#include "core/grade/math_value.h"

namespace retort {
namespace {

using Kind = MathNode::Kind;

constexpr std::size_t kBytesMax = 200;

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

/// What a unit is a multiple of.
struct Unit {
  std::string_view word, base, factor;
};

constexpr std::array<Unit, 52> kUnits = {{
    {"m", "m", "1"},
    {"meter", "m", "1"},
    {"metre", "m", "1"},
    {"km", "m", "1000"},
    {"kilometer", "m", "1000"},
    {"kilometre", "m", "1000"},
    {"cm", "m", "0.01"},
    {"centimeter", "m", "0.01"},
    {"centimetre", "m", "0.01"},
    {"mm", "m", "0.001"},
    {"millimeter", "m", "0.001"},
    {"millimetre", "m", "0.001"},
    {"in", "in", "1"},
    {"inch", "in", "1"},
    {"inche", "in", "1"},
    {"ft", "in", "12"},
    {"foot", "in", "12"},
    {"feet", "in", "12"},
    {"yd", "in", "36"},
    {"yard", "in", "36"},
    {"mi", "in", "63360"},
    {"mile", "in", "63360"},
    {"s", "s", "1"},
    {"sec", "s", "1"},
    {"second", "s", "1"},
    {"min", "s", "60"},
    {"minute", "s", "60"},
    {"h", "s", "3600"},
    {"hr", "s", "3600"},
    {"hour", "s", "3600"},
    {"day", "s", "86400"},
    {"week", "s", "604800"},
    {"g", "g", "1"},
    {"gram", "g", "1"},
    {"kg", "g", "1000"},
    {"kilogram", "g", "1000"},
    {"mg", "g", "0.001"},
    {"milligram", "g", "0.001"},
    {"lb", "lb", "1"},
    {"pound", "lb", "1"},
    {"oz", "lb", "0.0625"},
    {"ounce", "lb", "0.0625"},
    {"l", "l", "1"},
    {"liter", "l", "1"},
    {"litre", "l", "1"},
    {"ml", "l", "0.001"},
    {"milliliter", "l", "0.001"},
    {"millilitre", "l", "0.001"},
    {"$", "$", "1"},
    {"dollar", "$", "1"},
    {"usd", "$", "1"},
    {"cent", "$", "0.01"},
}};

const Unit* known_unit(std::string_view word) {
  const auto found = std::find_if(kUnits.begin(), kUnits.end(), [&](const Unit& unit) { return unit.word == word; });
  return found == kUnits.end() ? nullptr : found;
}

std::string replaced(std::string text, std::string_view from, std::string_view to) {
  for (std::size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size()))
    text.replace(at, from.size(), to);
  return text;
}

// Spaces of typesetting and LaTeX's own spellings, as people type them.
std::string typed(std::string_view text) {
  std::string line(text);
  for (const auto& [from, to] : std::initializer_list<std::pair<std::string_view, std::string_view>>{{"\u00a0", " "},
                                                                                                     {"\u2009", " "},
                                                                                                     {"\u202f", " "},
                                                                                                     {"’", "'"},
                                                                                                     {"−", "-"},
                                                                                                     {"×", "*"},
                                                                                                     {"\\times", "*"},
                                                                                                     {"\\cdot", "*"},
                                                                                                     {"\\%", "%"},
                                                                                                     {"\\$", "$"},
                                                                                                     {"{,}", ","},
                                                                                                     {"\\,", " "},
                                                                                                     {"\\!", ""},
                                                                                                     {"€", " eur "},
                                                                                                     {"£", " gbp "},
                                                                                                     {"\\text", " "},
                                                                                                     {"\\mathrm", " "},
                                                                                                     {"**", ""},
                                                                                                     {"\\ ", " "}})
    line = replaced(std::move(line), from, to);
  for (char& c : line) {
    if (c == '{' || c == '}') c = ' ';
  }
  return line;
}

// The digits of a numeral with a decimal point; nothing if its separators make no sense.
std::optional<std::string> numeral(std::string_view text) {
  const std::size_t last = text.find_last_of(".,' ");
  if (last == std::string_view::npos) return text.empty() ? std::nullopt : std::optional(std::string(text));
  const auto count = [&](char c) { return std::count(text.begin(), text.end(), c); };
  const char mark = text[last];
  const std::size_t behind = text.size() - last - 1;
  const bool alone = count(mark) == 1;
  const bool others = static_cast<std::size_t>(count(mark)) <
                      static_cast<std::size_t>(count('.') + count(',') + count('\'') + count(' '));
  const bool thousands_only = mark == '\'' || mark == ' ' || !alone;
  const bool like_thousands = behind == 3 && last <= 3 && last > 0 && text.substr(0, last) != "0";
  const bool decimal = !thousands_only && (others || mark == '.' || !like_thousands);
  std::string_view whole = decimal ? text.substr(0, last) : text;
  std::string digits;
  char separator = '\0';
  std::size_t group = 0;
  for (const char c : whole) {
    if (is_digit(c)) {
      digits += c;
      ++group;
      continue;
    }
    const bool first = separator == '\0';
    if ((!first && (c != separator || group != 3)) || (first && (group == 0 || group > 3)) || (decimal && c == mark))
      return {};
    separator = c;
    group = 0;
  }
  if (separator != '\0' && group != 3) return {};
  if (!decimal) return digits;
  return (digits.empty() ? "0" : digits) + (behind == 0 ? "" : "." + std::string(text.substr(last + 1)));
}

// Reads from the left; every step takes what it understands.
class Reader {
 public:
  explicit Reader(std::string_view text) : rest_(trimmed(text)) {}

  std::optional<WrittenNumber> run() {
    bool negative = false;
    for (bool again = true; again;) {
      again = false;
      if (take("-")) negative = again = true;
      if (take("+")) again = true;
      if (take("$")) unit_ = "$", again = true;
      if (take("eur ")) unit_ = "eur", again = true;
      if (take("gbp ")) unit_ = "gbp", again = true;
    }
    Math value = magnitude();
    if (!value) return {};
    if (negative) value = make_math(Kind::negative, "", {value});
    WrittenNumber number{value, false, {}};
    if (take("%") || take("percent") || take("pct")) number.percent = true;
    number.unit = unit();
    if (!trimmed(rest_).empty()) return {};
    return number;
  }

 private:
  bool take(std::string_view word) {
    if (!lower_ascii(rest_.substr(0, word.size())).starts_with(word)) return false;
    rest_ = trimmed(rest_.substr(word.size()));
    return true;
  }

  // The longest run of digits and separators in front that is a numeral.
  Math digits() {
    std::size_t end = 0;
    while (end < rest_.size() &&
           (is_digit(rest_[end]) || std::string_view(".,' ").find(rest_[end]) != std::string::npos))
      ++end;
    for (; end > 0; --end) {
      if (!is_digit(rest_[end - 1])) continue;
      const auto found = numeral(rest_.substr(0, end));
      if (!found) continue;
      rest_ = rest_.substr(end);
      if (rest_.starts_with('.') && (rest_.size() == 1 || rest_[1] == ' ')) rest_.remove_prefix(1);
      return make_math(Kind::number, *found);
    }
    return nullptr;
  }

  Math magnitude() {
    Math value = digits();
    if (!value) return nullptr;
    const std::string_view before = rest_;
    rest_ = trimmed(rest_);
    if (take("/")) {
      const Math bottom = digits();
      return bottom ? make_math(Kind::quotient, "", {value, bottom}) : nullptr;
    }
    // 2 1/2
    if (!rest_.empty() && is_digit(rest_.front()) && before.starts_with(' ')) {
      const Math top = digits();
      rest_ = trimmed(rest_);
      const Math bottom = top && take("/") ? digits() : nullptr;
      if (!bottom) return nullptr;
      return make_math(Kind::sum, "", {value, make_math(Kind::quotient, "", {top, bottom})});
    }
    const bool scientific = before.size() > 1 && (before[0] == 'e' || before[0] == 'E') &&
                            (is_digit(before[1]) || before[1] == '-' || before[1] == '+');
    if (scientific) {
      rest_ = before.substr(1);
    } else if (!(take("*") && take("10") && take("^"))) {
      rest_ = trimmed(before);
      return value;
    }
    const bool down = take("-");
    if (!down) take("+");
    Math exponent = digits();
    if (!exponent) return nullptr;
    if (down) exponent = make_math(Kind::negative, "", {exponent});
    return make_math(Kind::product, "", {value, make_math(Kind::power, "", {make_math(Kind::number, "10"), exponent})});
  }

  // One or two words, or "cm^2" and "km/h".
  std::string unit() {
    rest_ = trimmed(rest_);
    while (rest_.ends_with('.')) rest_.remove_suffix(1);
    if (take("$")) return "$";
    const std::string_view rest = trimmed(rest_);
    if (rest.empty()) return unit_;
    if (!is_letter(rest.front()) || std::count(rest.begin(), rest.end(), ' ') > 1 || rest.size() > 40) return unit_;
    for (const char c : rest) {
      if (!is_letter(c) && std::string_view(" ^23/-").find(c) == std::string_view::npos) return unit_;
    }
    rest_ = {};
    std::string word = lower_ascii(rest);
    if (word.size() > 2 && word.back() == 's') word.pop_back();
    return word;
  }

  std::string_view rest_;
  std::string unit_;
};

bool is_symbol(const std::string& unit) { return unit == "$" || unit == "eur" || unit == "gbp"; }

Math scaled(const Math& value, std::string_view factor) {
  return make_math(Kind::product, "", {value, make_math(Kind::number, std::string(factor))});
}

std::string shown(const WrittenNumber& number, std::string_view text) {
  return shortened(on_one_line(text), 60) + (number.percent ? " (percent)" : "");
}

std::optional<WrittenNumber> final_number(std::string_view text) {
  const std::string_view answer = final_answer(text).text;
  if (auto number = read_number(answer)) return number;
  if (const auto math = parse_math(answer); math && is_constant(*math) && value_at(*math, 0))
    return WrittenNumber{*math, false, {}};
  return last_number(answer);
}

class NumberGrader final : public PureGrader {
 public:
  Grade grade(const GradeInput& input) const override {
    const auto wanted = final_number(input.reference);
    if (!wanted) {
      return {Grade::Kind::ungradable,
              0,
              "the reference '" + shortened(on_one_line(input.reference), 60) + "' has no number",
              {}};
    }
    const std::string_view answer = final_answer(input.answer).text;
    const auto found = final_number(input.answer);
    if (!found) return {Grade::Kind::wrong, 0, "'" + shortened(on_one_line(answer), 60) + "' has no number", {}};
    const bool right = same_number(*found, *wanted);
    return {right ? Grade::Kind::right : Grade::Kind::wrong, right ? 1.0 : 0.0,
            "'" + shown(*found, answer) + (right ? "' is '" : "' is not '") + shown(*wanted, input.reference) + "'",
            std::string(answer)};
  }
  std::string digest() const override { return "number/1"; }
};

}  // namespace

std::optional<WrittenNumber> read_number(std::string_view text) {
  if (text.size() > kBytesMax) return {};
  return Reader(typed(text)).run();
}

std::optional<WrittenNumber> last_number(std::string_view text) {
  if (text.size() > kBytesMax * 10) text = text.substr(text.size() - kBytesMax * 10);
  const std::string line = typed(text);
  const std::size_t last = line.find_last_of("0123456789");
  if (last == std::string::npos) return {};
  std::size_t begin = last;
  while (begin > 0 &&
         (is_digit(line[begin - 1]) || (std::string_view(".,'/").find(line[begin - 1]) != std::string::npos &&
                                        begin > 1 && is_digit(line[begin - 2]))))
    --begin;
  while (begin > 0 && (line[begin - 1] == '$' || line[begin - 1] == '-')) --begin;
  // What stands behind: percent, or one known unit.
  std::size_t end = last + 1;
  const std::string_view behind = std::string_view(line).substr(end);
  const std::size_t skip = behind.starts_with(' ') ? 1 : 0;
  std::size_t word = skip;
  while (word < behind.size() && (is_letter(behind[word]) || behind[word] == '%')) ++word;
  std::string unit = lower_ascii(behind.substr(skip, word - skip));
  if (unit.size() > 2 && unit.back() == 's') unit.pop_back();
  if (unit == "%" || unit == "percent" || known_unit(unit) != nullptr) end += word;
  return Reader(std::string_view(line).substr(begin, end - begin)).run();
}

bool same_number(const WrittenNumber& a, const WrittenNumber& b) {
  Math left = a.value, right = b.value;
  if (!a.unit.empty() && !b.unit.empty()) {
    const Unit *one = known_unit(a.unit), *other = known_unit(b.unit);
    if (one != nullptr && other != nullptr) {
      if (one->base != other->base) return false;
      left = scaled(left, one->factor);
      right = scaled(right, other->factor);
    } else if (a.unit != b.unit && is_symbol(a.unit) && is_symbol(b.unit)) {
      return false;  // € and $; words ("apples", "red apples") may say the same
    }
  }
  if (a.percent == b.percent) return same_value(left, right);
  return same_value(left, right) ||
         same_value(a.percent ? scaled(left, "0.01") : left, b.percent ? scaled(right, "0.01") : right);
}

std::unique_ptr<Grader> number_grader() { return std::make_unique<NumberGrader>(); }

}  // namespace retort
