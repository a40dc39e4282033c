// A recursive descent over math_tokens(): depth is bounded, so that no bytes exhaust the stack.
#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "core/base/text.h"
#include "core/grade/math_expression.h"
#include "core/grade/math_lexer.h"

namespace retort {
namespace {

using Kind = MathNode::Kind;
using Token = MathToken::Kind;

constexpr std::size_t kBytesMax = 4000;
constexpr int kDepthMax = 400, kChainMax = 80;

constexpr std::array<std::string_view, 17> kFunctions = {"sin",    "cos",    "tan",    "cot",  "sec",  "csc",
                                                         "arcsin", "arccos", "arctan", "sinh", "cosh", "tanh",
                                                         "ln",     "log",    "exp",    "abs",  "cbrt"};

bool is_function(const MathToken& token) {
  return token.kind == Token::command &&
         std::find(kFunctions.begin(), kFunctions.end(), token.text) != kFunctions.end();
}

// Thrown inside this file alone: the way out of a deep descent.
struct Unreadable {
  std::string why;
};

class Parser {
 public:
  explicit Parser(std::vector<MathToken> tokens) : tokens_(std::move(tokens)) {}

  Math whole() {
    if (Math words = only_words()) return words;
    Math math = list();
    if (now().kind != Token::end) throw Unreadable{"'" + now().text + "' was not expected"};
    return math;
  }

 private:
  struct Deeper {
    explicit Deeper(int& depth) : depth_(depth) {
      if (++depth_ > kDepthMax) throw Unreadable{"it is nested too deeply"};
    }
    ~Deeper() { --depth_; }
    int& depth_;
  };

  const MathToken& now() const { return tokens_[at_]; }
  const MathToken& ahead(std::size_t by) const { return tokens_[std::min(at_ + by, tokens_.size() - 1)]; }
  bool is_mark(std::string_view mark) const { return now().kind == Token::mark && now().text == mark; }
  bool is_command(std::string_view name) const { return now().kind == Token::command && now().text == name; }
  bool take_mark(std::string_view mark) { return is_mark(mark) && (++at_, true); }
  bool take_command(std::string_view name) { return is_command(name) && (++at_, true); }
  void expect_mark(std::string_view mark) {
    if (!take_mark(mark)) throw Unreadable{"a '" + std::string(mark) + "' is missing"};
  }

  // An answer in words, such as \text{Evelyn} or (\text{A}): nothing in it computes.
  Math only_words() {
    std::string words;
    bool any = false;
    for (const MathToken& token : tokens_) {
      const bool around = token.kind == Token::mark && std::string_view("(){}'").find(token.text) != std::string::npos;
      if (token.kind == Token::end || around) continue;
      if (token.kind == Token::mark && !words.empty() &&
          std::string_view(",:-").find(token.text) != std::string::npos) {
        words += ' ';
        continue;
      }
      if (token.kind != Token::text && token.kind != Token::symbol) return nullptr;
      any = any || token.kind == Token::text;
      words += (token.kind == Token::text || token.spaced) && !words.empty() ? " " + token.text : token.text;
    }
    return any ? make_math(Kind::text, words) : nullptr;
  }

  void skip_text() {
    while (now().kind == Token::text || now().kind == Token::unit) ++at_;
  }

  Math list() {
    std::vector<Math> parts{relation()};
    bool several = false;
    while (is_mark(",") || is_mark(";")) {
      while (is_mark(",") || is_mark(";")) ++at_;
      if (now().kind == Token::end) break;
      parts.push_back(relation());
      several = true;
    }
    return several ? make_math(Kind::list, "", std::move(parts)) : parts.front();
  }

  std::optional<std::string> take_relation() {
    for (const std::string_view mark : {"=", "<", ">"}) {
      if (take_mark(mark)) return std::string(mark);
    }
    for (const std::string_view name : {"<=", ">=", "!="}) {
      if (take_command(name)) return std::string(name);
    }
    return {};
  }

  Math relation() {
    const Deeper deeper(depth_);
    Math left = unite();
    if (take_command("in")) {  // x ∈ S: the set is the answer
      if (left->kind != Kind::symbol && left->kind != Kind::group) throw Unreadable{"it says where an expression lies"};
      return unite();
    }
    std::vector<Math> sides{left};
    std::string signs;
    while (const auto sign = take_relation()) {
      signs += (signs.empty() ? "" : " ") + *sign;
      sides.push_back(unite());
    }
    // What something is nearly is said beside what it is: x = 1/3 ≈ 0.33. A bare x ≈ 0.33 says what it has.
    const bool bare = sides.size() == 1 && left->kind == Kind::symbol && left->name != "pi";
    while (take_command("approx")) {
      Math rough = unite();
      if (bare && sides.size() == 1) {
        sides.push_back(rough);
        signs = "=";
      }
    }
    return sides.size() == 1 ? left : make_math(Kind::relation, signs, std::move(sides));
  }

  Math unite() {
    Math left = sum();
    for (;;) {
      std::string name;
      for (const std::string_view one : {"union", "intersection", "minus"}) {
        if (take_command(one)) name = one;
      }
      if (name.empty()) return left;
      Math right = sum();
      if (left->kind == Kind::unite && left->name == name && name != "minus") {
        std::vector<Math> parts = left->parts;
        parts.push_back(std::move(right));
        left = make_math(Kind::unite, name, std::move(parts));
      } else {
        const Deeper deeper(depth_);
        left = make_math(Kind::unite, name, {left, std::move(right)});
        // A chain of differences is as deep as it is long.
        if (++chain_ > kChainMax) throw Unreadable{"it is nested too deeply"};
      }
    }
  }

  Math sum() {
    const Deeper deeper(depth_);
    skip_text();
    std::vector<Math> terms;
    if (take_command("pm")) {
      terms.push_back(make_math(Kind::plus_minus, "+-", {product()}));
    } else if (take_command("mp")) {
      terms.push_back(make_math(Kind::plus_minus, "-+", {product()}));
    } else {
      terms.push_back(product());
    }
    for (;;) {
      if (take_mark("+")) {
        terms.push_back(product());
      } else if (take_mark("-")) {
        terms.push_back(make_math(Kind::negative, "", {product()}));
      } else if (is_command("pm") || is_command("mp")) {
        const bool plus = now().text == "pm";
        ++at_;
        Math left = terms.size() == 1 ? terms.front() : make_math(Kind::sum, "", std::move(terms));
        terms = {make_math(Kind::plus_minus, plus ? "+-" : "-+", {left, product()})};
        if (++chain_ > kChainMax) throw Unreadable{"it is nested too deeply"};
      } else {
        break;
      }
    }
    skip_text();
    return terms.size() == 1 ? terms.front() : make_math(Kind::sum, "", std::move(terms));
  }

  // Multiplication without a sign binds tighter than a division before it: 1/2x is 1/(2x).
  Math product() {
    const Deeper deeper(depth_);
    std::vector<Math> factors{juxtaposed()};
    for (;;) {
      skip_text();
      const bool divide = is_mark("/") || is_mark(":");
      if (!divide && !is_mark("*")) break;
      ++at_;
      Math next = juxtaposed();
      if (!divide) {
        factors.push_back(std::move(next));
        continue;
      }
      Math top = factors.size() == 1 ? factors.front() : make_math(Kind::product, "", std::move(factors));
      factors = {make_math(Kind::quotient, "", {std::move(top), std::move(next)})};
      if (++chain_ > kChainMax) throw Unreadable{"it is nested too deeply"};
    }
    return factors.size() == 1 ? factors.front() : make_math(Kind::product, "", std::move(factors));
  }

  bool starts_factor() const {
    const MathToken& token = now();
    switch (token.kind) {
      case Token::symbol:
        return true;
      case Token::mark:
        return token.text == "(" || token.text == "{" || (token.text == "|" && bars_ == 0);
      case Token::command:
        return is_function(token) || token.text == "frac" || token.text == "sqrt" || token.text == "binom" ||
               token.text == "lfloor" || token.text == "lceil" || token.text == "begin";
      default:
        return false;
    }
  }

  Math juxtaposed() {
    const Deeper deeper(depth_);
    if (take_mark("-")) return make_math(Kind::negative, "", {juxtaposed()});
    if (take_mark("+")) return juxtaposed();
    const std::size_t begin = at_;
    std::vector<Math> factors{power()};
    if (Math mixed = mixed_number(factors.front(), begin)) factors.front() = mixed;
    while (starts_factor() || number_behind_bracket()) factors.push_back(power());
    return factors.size() == 1 ? factors.front() : make_math(Kind::product, "", std::move(factors));
  }

  // (-1) 5 is a product; 3 5 is nothing.
  bool number_behind_bracket() const {
    return now().kind == Token::number && tokens_[at_ - 1].kind == Token::mark && tokens_[at_ - 1].text == ")";
  }

  static bool whole_number(const Math& math) {
    return math->kind == Kind::number && math->name.find('.') == std::string::npos;
  }

  // 3\frac{1}{2} and 3 1/2: a whole number beside a fraction of whole numbers is their sum.
  Math mixed_number(const Math& whole, std::size_t begin) {
    if (!whole_number(whole) || tokens_[begin].kind != Token::number || at_ != begin + 1) return nullptr;
    if (is_command("frac")) {
      const std::size_t back = at_;
      Math fraction = power();
      if (fraction->kind == Kind::quotient && whole_number(fraction->parts[0]) && whole_number(fraction->parts[1]))
        return make_math(Kind::sum, "", {whole, fraction});
      at_ = back;
      return nullptr;
    }
    const bool plain = now().kind == Token::number && now().spaced && ahead(1).kind == Token::mark &&
                       ahead(1).text == "/" && ahead(2).kind == Token::number;
    if (!plain) return nullptr;
    Math top = make_math(Kind::number, now().text), bottom = make_math(Kind::number, ahead(2).text);
    at_ += 3;
    return make_math(Kind::sum, "", {whole, make_math(Kind::quotient, "", {top, bottom})});
  }

  Math power() {
    const Deeper deeper(depth_);
    Math base = postfixed(primary());
    if (!take_mark("^")) return base;
    if (take_command("degree")) return postfixed(base);
    if (is_mark("{") && ahead(1).kind == Token::command && ahead(1).text == "degree") {
      at_ += 2;
      expect_mark("}");
      return postfixed(base);
    }
    if (take_mark("'")) return base;
    Math exponent;
    if (take_mark("-")) {
      exponent = make_math(Kind::negative, "", {power()});
    } else {
      exponent = power();
    }
    return make_math(Kind::power, "", {base, exponent});
  }

  Math postfixed(Math math) {
    for (int marks = 0;; ++marks) {
      if (marks > 4) throw Unreadable{"too many marks behind a number"};
      if (take_mark("!")) {
        math = make_math(Kind::call, "factorial", {math});
      } else if (take_mark("%")) {
        math = make_math(Kind::percent, "", {math});
      } else if (is_mark("_")) {
        ++at_;
        const Math below = argument();
        // x_1 is a name; 101_2 is the same digits, whatever their base.
        if (math->kind == Kind::symbol)
          math = make_math(Kind::symbol, math->name + "_" + describe(below));
        else if (math->kind != Kind::number)
          throw Unreadable{"an index stands behind no name"};
        else
          math = make_math(Kind::call, "base", {math, below});
      } else if (!take_mark("'") && !take_command("degree")) {
        return math;
      }
    }
  }

  // What a command takes without asking: a group in braces, a digit, a letter, a command with its own arguments.
  Math argument() {
    const Deeper deeper(depth_);
    if (now().kind == Token::number && now().text.size() > 1 && now().text.find('.') == std::string::npos) {
      Math digit = make_math(Kind::number, now().text.substr(0, 1));
      tokens_[at_].text.erase(0, 1);
      return digit;
    }
    return primary();
  }

  Math primary() {
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
  Math number(const std::string& digits) {
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

  Math bracketed() {
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

  static bool is_infinite(const Math& math) {
    if (math->kind == Kind::negative) return is_infinite(math->parts[0]);
    return math->kind == Kind::symbol && math->name == "infinity";
  }

  Math closed_by(const std::string& name, const char* command_name) {
    Math inside = sum();
    if (!take_command(command_name)) throw Unreadable{"a bracket is not closed"};
    return make_math(Kind::call, name, {inside});
  }

  Math command() {
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

  Math matrix() {
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
  Math function() {
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
  Math power_of_argument() {
    if (is_mark("(") || is_mark("{") || is_mark("|")) return primary();
    if (take_mark("-")) return make_math(Kind::negative, "", {power()});
    return power();
  }

  std::vector<MathToken> tokens_;
  std::size_t at_ = 0;
  int depth_ = 0, bars_ = 0, chain_ = 0;
};

}  // namespace

Result<Math> parse_math(std::string_view text) {
  if (text.size() > kBytesMax) return fail(Errc::usage, "it is too long for a final answer");
  std::vector<MathToken> tokens = math_tokens(text);
  if (tokens.size() <= 1) return fail(Errc::usage, "it is empty");
  try {
    return Parser(std::move(tokens)).whole();
  } catch (const Unreadable& reason) {
    return fail(Errc::usage, reason.why);
  }
}

}  // namespace retort
