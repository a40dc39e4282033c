#include "core/text/jinja/expression_parser.h"

namespace retort::jinja {
namespace {

class Parser : ExpressionParser {
 public:
  explicit Parser(std::vector<Token> tokens) : ExpressionParser(std::move(tokens)) {}

  NodePtr whole() {
    auto body = statements({});
    if (now().kind != Token::end) fault("a tag is not expected here");
    return body;
  }

 private:
  // Statements until a block whose name is one of `ends`; that name is the next token then.
  NodePtr statements(const std::vector<std::string_view>& ends) {
    const Deeper deeper(*this);
    auto body = node(Node::body);
    while (now().kind != Token::end) {
      if (now().kind == Token::data) {
        body->kids.push_back(node(Node::data, now().value));
        take();
      } else if (now().kind == Token::variable_begin) {
        take();
        body->kids.push_back(node_of(Node::print, "", expression_or_tuple()));
        if (now().kind != Token::variable_end) fault("expected '}}'");
        take();
      } else {
        take();  // block_begin
        if (now().kind != Token::name) fault("expected the name of a tag");
        for (const std::string_view end : ends) {
          if (now().value == end) return body;
        }
        body->kids.push_back(statement());
      }
    }
    if (!ends.empty()) fault("'" + std::string(ends.back()) + "' is missing");
    return body;
  }

  NodePtr statement() {
    const std::string tag = take().value;
    if (tag == "if") return if_statement();
    if (tag == "for") return for_statement();
    if (tag == "set") return set_statement();
    if (tag == "macro") return macro_statement();
    if (tag == "call") return call_statement();
    if (tag == "generation") {
      auto made = node(Node::generation);
      end_block();
      made->kids.push_back(statements({"endgeneration"}));
      take();
      return end_block(), std::move(made);
    }
    if (tag == "break" || tag == "continue") {
      if (loops_ == 0) fault("'" + tag + "' outside a loop");
      auto made = node(tag == "break" ? Node::break_ : Node::continue_);
      return end_block(), std::move(made);
    }
    fault("the tag '" + tag + "' is beyond the subset");
  }

  NodePtr if_statement() {
    const Deeper deeper(*this);
    auto made = node_of(Node::if_, "", expression());
    end_block();
    made->kids.push_back(statements({"elif", "else", "endif"}));
    const std::string next = take().value;
    if (next == "elif") {
      made->other.push_back(if_statement());
      return made;
    }
    end_block();
    if (next == "else") {
      made->other.push_back(statements({"endif"}));
      take();
      end_block();
    }
    return made;
  }

  std::vector<std::string> targets() {
    std::vector<std::string> names;
    const bool brackets = accept("(");
    do names.push_back(expect_name());
    while (accept(","));
    if (brackets) expect(")");
    return names;
  }

  NodePtr for_statement() {
    auto made = node(Node::for_);
    made->names = targets();
    if (!accept_name("in")) fault("expected 'in'");
    made->kids.push_back(expression_or_tuple(false));
    NodePtr condition;
    if (accept_name("if")) condition = expression();
    if (is_name("recursive")) fault("recursive loops are beyond the subset");
    end_block();
    ++loops_;
    made->kids.push_back(statements({"else", "endfor"}));
    --loops_;
    made->kids.push_back(std::move(condition));
    if (take().value == "else") {
      end_block();
      made->other.push_back(statements({"endfor"}));
      take();
    }
    return end_block(), std::move(made);
  }

  NodePtr set_statement() {
    auto made = node(Node::set);
    made->names.push_back(expect_name());
    if (accept(".")) {
      made->text = made->names[0];
      made->names[0] = expect_name();
    } else {
      while (accept(",")) made->names.push_back(expect_name());
    }
    if (accept("=")) {
      made->kids.push_back(expression_or_tuple());
      return end_block(), std::move(made);
    }
    if (made->names.size() != 1) fault("expected '='");
    made->kind = Node::set_block;
    if (is_sign("|")) fault("a filter on a block of set is beyond the subset");
    end_block();
    made->kids.push_back(statements({"endset"}));
    take();
    return end_block(), std::move(made);
  }

  void parameters(Node& made) {
    if (!accept("(")) return;
    while (!accept(")")) {
      made.names.push_back(expect_name());
      made.other.push_back(accept("=") ? expression() : nullptr);
      if (!is_sign(")")) expect(",");
    }
  }

  NodePtr macro_statement() {
    auto made = node(Node::macro, now().value);
    expect_name();
    parameters(*made);
    end_block();
    const int loops = std::exchange(loops_, 0);
    made->kids.push_back(statements({"endmacro"}));
    loops_ = loops;
    take();
    return end_block(), std::move(made);
  }

  NodePtr call_statement() {
    auto made = node(Node::call_block);
    parameters(*made);
    made->kids.push_back(expression());
    if (made->kids[0]->kind != Node::call) fault("expected a call");
    end_block();
    const int loops = std::exchange(loops_, 0);
    made->kids.push_back(statements({"endcall"}));
    loops_ = loops;
    take();
    return end_block(), std::move(made);
  }

  int loops_ = 0;
};

}  // namespace

std::shared_ptr<const Node> parse(std::string_view source) { return Parser(tokens_of(source)).whole(); }

}  // namespace retort::jinja
