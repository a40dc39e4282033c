// What stands by itself: numbers, names, brackets, and commands with their arguments.
#include <array>

#include "core/base/text.h"
#include "core/grade/math_parser.h"

namespace retort {
namespace {

constexpr std::array<std::string_view, 17> kFunctions = {"sin",    "cos",    "tan",    "cot",  "sec",  "csc",
                                                         "arcsin", "arccos", "arctan", "sinh", "cosh", "tanh",
                                                         "ln",     "log",    "exp",    "abs",  "cbrt"};

}  // namespace

bool MathParser::is_function(const MathToken& token) {
  return token.kind == Token::command &&
         std::find(kFunctions.begin(), kFunctions.end(), token.text) != kFunctions.end();
}

// What a command takes without asking: a group in braces, a digit, a letter, a command with its own arguments.
Math MathParser::argument() {
  const Deeper deeper(depth_);
  if (now().kind == Token::number && now().text.size() > 1 && now().text.find('.') == std::string::npos) {
    Math digit = make_math(Kind::number, now().text.substr(0, 1));
    tokens_[at_].text.erase(0, 1);
    return digit;
  }
  return primary();
}

Math MathParser::primary() {
  const Deeper deeper(depth_);
  const MathToken token = now();
  switch (token.kind) {
    case Token::number:
      ++at_;
      return number(token.text);
    case Token::symbol:
      ++at_;
      return make_math(Kind::symbol, token.text);
    case Token::mark:
      return bracketed();
    case Token::command:
      return command();
    case Token::text:
    case Token::unit:
      throw Unreadable{"'" + shortened(token.text, 40) + "' is no mathematics"};
    case Token::end:
      break;
  }
  throw Unreadable{"it ends too early"};
}

// 0.1\overline{6}: the digits under the line repeat.
Math MathParser::number(const std::string& digits) {
  const std::size_t point = digits.find('.');
  const bool repeats = is_command("overline") && ahead(1).text == "{" && ahead(2).kind == Token::number &&
                       ahead(3).text == "}" && ahead(2).text.size() <= 15;
  if (!repeats || (point == std::string::npos)) return make_math(Kind::number, digits);
  const std::string period = ahead(2).text;
  at_ += 4;
  const std::string nines(period.size(), '9'), zeros(digits.size() - point - 1, '0');
  return make_math(
      Kind::sum, "",
      {make_math(Kind::number, digits),
       make_math(Kind::quotient, "", {make_math(Kind::number, period), make_math(Kind::number, nines + zeros)})});
}

Math MathParser::bracketed() {
  if (take_mark("{")) {
    if (take_mark("}")) throw Unreadable{"braces hold nothing"};
    const int bars = std::exchange(bars_, 0);
    Math inside = list();
    bars_ = bars;
    expect_mark("}");
    return inside;
  }
  if (take_mark("|")) {
    ++bars_;
    Math inside = sum();
    --bars_;
    expect_mark("|");
    return make_math(Kind::call, "abs", {inside});
  }
  if (!is_mark("(") && !is_mark("[")) throw Unreadable{"'" + now().text + "' was not expected"};
  std::string brackets = now().text;
  ++at_;
  const int bars = std::exchange(bars_, 0);
  Math inside = list();
  bars_ = bars;
  if (!is_mark(")") && !is_mark("]")) throw Unreadable{"a bracket is not closed"};
  brackets += now().text;
  ++at_;
  if (inside->kind == Kind::list) {
    // No interval holds an infinite end, whatever its bracket says.
    if (inside->parts.size() == 2 && is_infinite(inside->parts[0])) brackets[0] = '(';
    if (inside->parts.size() == 2 && is_infinite(inside->parts[1])) brackets[1] = ')';
    return make_math(Kind::group, brackets, inside->parts);
  }
  if (brackets == "()" || brackets == "[]") return inside;
  throw Unreadable{"a bracket is closed by another"};
}

bool MathParser::is_infinite(const Math& math) {
  if (math->kind == Kind::negative) return is_infinite(math->parts[0]);
  return math->kind == Kind::symbol && math->name == "infinity";
}

Math MathParser::closed_by(const std::string& name, const char* command_name) {
  Math inside = sum();
  if (!take_command(command_name)) throw Unreadable{"a bracket is not closed"};
  return make_math(Kind::call, name, {inside});
}

Math MathParser::command() {
  const std::string name = now().text;
  if (is_function(now())) return function();
  ++at_;
  if (name == "frac" || name == "binom") {
    Math top = argument();
    Math bottom = argument();
    if (name == "binom") return make_math(Kind::call, "binom", {top, bottom});
    return make_math(Kind::quotient, "", {top, bottom});
  }
  if (name == "sqrt") {
    Math index;
    if (take_mark("[")) {
      index = sum();
      expect_mark("]");
    }
    Math inside = now().kind == Token::number ? primary() : argument();
    if (index) return make_math(Kind::call, "root", {inside, index});
    return make_math(Kind::call, "sqrt", {inside});
  }
  if (name == "lset") {
    if (take_command("rset")) return make_math(Kind::set, "");
    Math inside = list();
    if (!take_command("rset")) throw Unreadable{"a set is not closed"};
    return make_math(Kind::set, "", inside->kind == Kind::list ? inside->parts : std::vector<Math>{inside});
  }
  if (name == "emptyset") return make_math(Kind::set, "");
  if (name == "lfloor") return closed_by("floor", "rfloor");
  if (name == "lceil") return closed_by("ceil", "rceil");
  if (name == "overline") return argument();
  if (name == "begin") return matrix();
  throw Unreadable{"'" + name + "' was not expected"};
}

Math MathParser::matrix() {
  std::vector<Math> rows, row;
  for (;;) {
    row.push_back(sum());
    if (take_mark("&")) continue;
    const bool more = take_command("newline");
    rows.push_back(make_math(Kind::list, "", std::move(row)));
    row.clear();
    if (take_command("end")) return make_math(Kind::matrix, "", std::move(rows));
    if (!more) throw Unreadable{"a matrix does not end"};
  }
}

// \sin^2 x, \log_2 8, \sin 2x, ln(3): the argument is what is bracketed, or one product without signs.
Math MathParser::function() {
  const std::string name = now().text;
  ++at_;
  Math base, exponent;
  if (name == "log" && take_mark("_")) base = argument();
  if (take_mark("^")) exponent = take_mark("-") ? make_math(Kind::negative, "", {primary()}) : primary();
  if (name == "log" && !base && take_mark("_")) base = argument();
  const bool closed = is_mark("(") || is_mark("{") || is_mark("|");
  std::vector<Math> factors{power_of_argument()};
  while (!closed && !is_function(now()) && starts_factor() && !is_mark("(")) factors.push_back(power());
  std::vector<Math> parts{factors.size() == 1 ? factors.front() : make_math(Kind::product, "", std::move(factors))};
  if (base) parts.push_back(base);
  Math call = make_math(Kind::call, name, std::move(parts));
  return exponent ? make_math(Kind::power, "", {call, exponent}) : call;
}

// sin(x)^2 is the square of the sine; sin x^2 the sine of the square.
Math MathParser::power_of_argument() {
  if (is_mark("(") || is_mark("{") || is_mark("|")) return primary();
  if (take_mark("-")) return make_math(Kind::negative, "", {power()});
  return power();
}

}  // namespace retort
