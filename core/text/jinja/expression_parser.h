// The lower half of the parser: a walk over tokens, and expressions with jinja2's precedence. Statements are
// parser.cpp.
#pragma once

#include "core/text/jinja/syntax.h"

namespace retort::jinja {

/// Throws Fault with the line of the present token.
class Cursor {
 protected:
  static constexpr int kDepthMax = 150;

  explicit Cursor(std::vector<Token> tokens) : tokens_(std::move(tokens)) {}

  // Guards the C++ stack.
  struct Deeper {
    explicit Deeper(Cursor& parser) : parser_(parser) {
      if (++parser_.depth_ > kDepthMax) parser_.fault("nested too deeply");
    }
    ~Deeper() { --parser_.depth_; }
    Cursor& parser_;
  };

  [[noreturn]] void fault(const std::string& message) const { throw Fault{message, now().line}; }
  const Token& now() const { return tokens_[at_]; }
  Token take() { return tokens_[at_].kind == Token::end ? tokens_[at_] : tokens_[at_++]; }
  bool is_sign(std::string_view sign) const { return now().kind == Token::sign && now().value == sign; }
  bool is_name(std::string_view name) const { return now().kind == Token::name && now().value == name; }
  bool accept(std::string_view sign) { return is_sign(sign) && (take(), true); }
  bool accept_name(std::string_view name) { return is_name(name) && (take(), true); }
  void expect(std::string_view sign) {
    if (!accept(sign)) fault("expected '" + std::string(sign) + "'");
  }
  std::string expect_name() {
    if (now().kind != Token::name) fault("expected a name");
    return take().value;
  }
  void end_block() {
    if (now().kind != Token::block_end) fault("expected the end of a tag");
    take();
  }
  NodePtr node(Node::Kind kind, std::string text = {}) const {
    auto made = std::make_unique<Node>();
    made->kind = kind;
    made->line = now().line;
    made->text = std::move(text);
    return made;
  }
  template <class... Kids>
  NodePtr node_of(Node::Kind kind, std::string text, Kids... kids) const {
    auto made = node(kind, std::move(text));
    (made->kids.push_back(std::move(kids)), ...);
    return made;
  }

  std::vector<Token> tokens_;
  std::size_t at_ = 0;
  int depth_ = 0;
};

class ExpressionParser : protected Cursor {
 protected:
  explicit ExpressionParser(std::vector<Token> tokens) : Cursor(std::move(tokens)) {}

  NodePtr expression();
  /// Without parentheses, as in `for a in 1, 2`; there, without a choice (`x if y else z`).
  NodePtr expression_or_tuple(bool with_choice = true);

 private:
  NodePtr or_expression();
  NodePtr and_expression();
  NodePtr not_expression();
  NodePtr comparison();
  NodePtr sum();
  NodePtr joined();
  NodePtr product();
  NodePtr power();
  NodePtr unary(bool with_filters);
  NodePtr constant(Value value);
  NodePtr primary();
  void arguments(Node& made);
  NodePtr subscript(NodePtr of);
  NodePtr postfix(NodePtr made);
  NodePtr filters(NodePtr made);
  NodePtr test(NodePtr of);
};

}  // namespace retort::jinja
