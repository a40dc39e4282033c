#include "core/text/jinja/expression_parser.h"

#include <charconv>

namespace retort::jinja {

NodePtr ExpressionParser::expression_or_tuple(bool with_choice) {
  auto first = with_choice ? expression() : or_expression();
  if (!is_sign(",")) return first;
  auto made = node_of(Node::tuple, "", std::move(first));
  while (accept(",")) {
    if (now().kind == Token::block_end || now().kind == Token::variable_end) break;
    made->kids.push_back(with_choice ? expression() : or_expression());
  }
  return made;
}

NodePtr ExpressionParser::expression() {
  const Deeper deeper(*this);
  auto made = or_expression();
  while (is_name("if")) {
    take();
    auto choice = node_of(Node::choice, "", std::move(made), or_expression());
    if (accept_name("else")) choice->other.push_back(expression());
    made = std::move(choice);
  }
  return made;
}

NodePtr ExpressionParser::or_expression() {
  auto made = and_expression();
  while (accept_name("or")) made = node_of(Node::or_, "", std::move(made), and_expression());
  return made;
}

NodePtr ExpressionParser::and_expression() {
  auto made = not_expression();
  while (accept_name("and")) made = node_of(Node::and_, "", std::move(made), not_expression());
  return made;
}

NodePtr ExpressionParser::not_expression() {
  const Deeper deeper(*this);
  if (accept_name("not")) return node_of(Node::not_, "", not_expression());
  return comparison();
}

NodePtr ExpressionParser::comparison() {
  auto first = sum();
  auto made = node(Node::compare);
  while (true) {
    std::string sign;
    if (now().kind == Token::sign) {
      for (const char* candidate : {"==", "!=", "<", "<=", ">", ">="}) {
        if (now().value == candidate) sign = candidate;
      }
      if (!sign.empty()) take();
    } else if (is_name("in")) {
      take();
      sign = "in";
    } else if (is_name("not") && tokens_[at_ + 1].kind == Token::name && tokens_[at_ + 1].value == "in") {
      take();
      take();
      sign = "not in";
    }
    if (sign.empty()) break;
    if (made->kids.empty()) made->kids.push_back(std::move(first));
    made->names.push_back(sign);
    made->kids.push_back(sum());
  }
  return made->kids.empty() ? std::move(first) : std::move(made);
}

NodePtr ExpressionParser::sum() {
  auto made = joined();
  while (is_sign("+") || is_sign("-")) {
    const std::string sign = take().value;
    made = node_of(Node::binary, sign, std::move(made), joined());
  }
  return made;
}

NodePtr ExpressionParser::joined() {
  auto made = product();
  while (accept("~")) made = node_of(Node::binary, "~", std::move(made), product());
  return made;
}

NodePtr ExpressionParser::product() {
  auto made = power();
  while (is_sign("*") || is_sign("/") || is_sign("//") || is_sign("%")) {
    const std::string sign = take().value;
    made = node_of(Node::binary, sign, std::move(made), power());
  }
  return made;
}

NodePtr ExpressionParser::power() {
  auto made = unary(true);
  while (accept("**")) made = node_of(Node::binary, "**", std::move(made), unary(true));
  return made;
}

NodePtr ExpressionParser::unary(bool with_filters) {
  const Deeper deeper(*this);
  NodePtr made;
  if (accept("-")) {
    made = node_of(Node::negative, "", unary(false));
  } else if (accept("+")) {
    made = unary(false);
  } else {
    made = postfix(primary());
  }
  return with_filters ? filters(std::move(made)) : std::move(made);
}

NodePtr ExpressionParser::constant(Value value) {
  auto made = node(Node::constant);
  made->value = std::move(value);
  take();
  return made;
}

NodePtr ExpressionParser::primary() {
  const Token token = now();
  if (token.kind == Token::name) {
    if (token.value == "true" || token.value == "True") return constant(true);
    if (token.value == "false" || token.value == "False") return constant(false);
    if (token.value == "none" || token.value == "None") return constant(None{});
    auto made = node(Node::name, token.value);
    take();
    return made;
  }
  if (token.kind == Token::text) {
    auto made = constant(Text(token.value));
    while (now().kind == Token::text) made->value = Text(made->value.as<Text>()->bytes() + take().value);
    return made;
  }
  if (token.kind == Token::integer) {
    std::int64_t number = 0;
    std::from_chars(token.value.data(), token.value.data() + token.value.size(), number);
    return constant(number);
  }
  if (token.kind == Token::real) return constant(std::strtod(token.value.c_str(), nullptr));
  if (accept("(")) {
    if (accept(")")) return node(Node::tuple);
    auto made = expression();
    if (is_sign(",")) {
      made = node_of(Node::tuple, "", std::move(made));
      while (accept(",")) {
        if (is_sign(")")) break;
        made->kids.push_back(expression());
      }
    }
    expect(")");
    return made;
  }
  if (accept("[")) {
    auto made = node(Node::list);
    while (!accept("]")) {
      made->kids.push_back(expression());
      if (!is_sign("]")) expect(",");
    }
    return made;
  }
  if (accept("{")) {
    auto made = node(Node::dict);
    while (!accept("}")) {
      made->kids.push_back(expression());
      expect(":");
      made->kids.push_back(expression());
      if (!is_sign("}")) expect(",");
    }
    return made;
  }
  fault("expected an expression");
}

void ExpressionParser::arguments(Node& made) {
  expect("(");
  while (!accept(")")) {
    if (is_sign("*") || is_sign("**")) fault("* and ** in a call are beyond the subset");
    if (now().kind == Token::name && tokens_[at_ + 1].kind == Token::sign && tokens_[at_ + 1].value == "=") {
      const std::string name = take().value;
      take();
      made.named.emplace_back(name, expression());
    } else {
      made.kids.push_back(expression());
    }
    if (!is_sign(")")) expect(",");
  }
}

NodePtr ExpressionParser::subscript(NodePtr of) {
  NodePtr bounds[3];
  bool is_slice = false;
  if (!is_sign(":")) bounds[0] = expression();
  for (int i = 1; i < 3 && accept(":"); ++i) {
    is_slice = true;
    if (!is_sign(":") && !is_sign("]")) bounds[i] = expression();
  }
  expect("]");
  if (!is_slice) return node_of(Node::item, "", std::move(of), std::move(bounds[0]));
  auto made = node_of(Node::slice, "", std::move(of));
  for (NodePtr& bound : bounds) made->other.push_back(std::move(bound));
  return made;
}

NodePtr ExpressionParser::postfix(NodePtr made) {
  int links = 0;
  while (true) {
    if (++links > kDepthMax) fault("nested too deeply");
    if (accept(".")) {
      if (now().kind == Token::integer) {
        auto index = constant(std::int64_t{std::atoll(now().value.c_str())});
        made = node_of(Node::item, "", std::move(made), std::move(index));
      } else {
        made = node_of(Node::attribute, expect_name(), std::move(made));
      }
    } else if (accept("[")) {
      made = subscript(std::move(made));
    } else if (is_sign("(")) {
      made = node_of(Node::call, "", std::move(made));
      arguments(*made);
    } else {
      return made;
    }
  }
}

NodePtr ExpressionParser::filters(NodePtr made) {
  int links = 0;
  while (true) {
    if (++links > kDepthMax) fault("nested too deeply");
    if (accept("|")) {
      made = node_of(Node::filter, expect_name(), std::move(made));
      if (is_sign("(")) arguments(*made);
    } else if (accept_name("is")) {
      made = test(std::move(made));
    } else if (is_sign("(")) {
      made = node_of(Node::call, "", std::move(made));
      arguments(*made);
    } else {
      return made;
    }
  }
}

NodePtr ExpressionParser::test(NodePtr of) {
  const bool negated = accept_name("not");
  auto made = node_of(Node::test, expect_name(), std::move(of));
  const Token& next = now();
  const bool starts_value =
      next.kind == Token::text || next.kind == Token::integer || next.kind == Token::real || is_sign("[") ||
      is_sign("{") ||
      (next.kind == Token::name && next.value != "and" && next.value != "or" && next.value != "else" &&
       next.value != "if" && next.value != "is" && next.value != "in" && next.value != "not");
  if (is_sign("(")) {
    arguments(*made);
  } else if (starts_value) {
    made->kids.push_back(postfix(primary()));
  }
  return negated ? node_of(Node::not_, "", std::move(made)) : std::move(made);
}

}  // namespace retort::jinja
