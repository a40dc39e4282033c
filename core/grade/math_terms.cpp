// Terms: sums, products with and without a sign, mixed numbers, powers, and the marks behind a number.
#include "core/grade/math_parser.h"

namespace retort {

Math MathParser::sum() {
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
Math MathParser::product() {
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

bool MathParser::starts_factor() const {
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

Math MathParser::juxtaposed() {
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
bool MathParser::number_behind_bracket() const {
  return now().kind == Token::number && tokens_[at_ - 1].kind == Token::mark && tokens_[at_ - 1].text == ")";
}

// 3\frac{1}{2} and 3 1/2: a whole number beside a fraction of whole numbers is their sum.
Math MathParser::mixed_number(const Math& whole, std::size_t begin) {
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

Math MathParser::power() {
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

Math MathParser::postfixed(Math math) {
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

}  // namespace retort
