#include <charconv>

#include "core/text/jinja/syntax.h"

namespace retort::jinja {
namespace {

constexpr int kDepthMax = 150;

class Parser {
 public:
  explicit Parser(std::vector<Token> tokens) : tokens_(std::move(tokens)) {}

  NodePtr whole() {
    auto body = statements({});
    if (now().kind != Token::end) fault("a tag is not expected here");
    return body;
  }

 private:
  // Guards the C++ stack.
  struct Deeper {
    explicit Deeper(Parser& parser) : parser_(parser) {
      if (++parser_.depth_ > kDepthMax) parser_.fault("nested too deeply");
    }
    ~Deeper() { --parser_.depth_; }
    Parser& parser_;
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

  NodePtr expression_or_tuple(bool with_choice = true) {
    auto first = with_choice ? expression() : or_expression();
    if (!is_sign(",")) return first;
    auto made = node_of(Node::tuple, "", std::move(first));
    while (accept(",")) {
      if (now().kind == Token::block_end || now().kind == Token::variable_end) break;
      made->kids.push_back(with_choice ? expression() : or_expression());
    }
    return made;
  }

  NodePtr expression() {
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

  NodePtr or_expression() {
    auto made = and_expression();
    while (accept_name("or")) made = node_of(Node::or_, "", std::move(made), and_expression());
    return made;
  }
  NodePtr and_expression() {
    auto made = not_expression();
    while (accept_name("and")) made = node_of(Node::and_, "", std::move(made), not_expression());
    return made;
  }
  NodePtr not_expression() {
    const Deeper deeper(*this);
    if (accept_name("not")) return node_of(Node::not_, "", not_expression());
    return comparison();
  }

  NodePtr comparison() {
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

  NodePtr sum() {
    auto made = joined();
    while (is_sign("+") || is_sign("-")) {
      const std::string sign = take().value;
      made = node_of(Node::binary, sign, std::move(made), joined());
    }
    return made;
  }
  NodePtr joined() {
    auto made = product();
    while (accept("~")) made = node_of(Node::binary, "~", std::move(made), product());
    return made;
  }
  NodePtr product() {
    auto made = power();
    while (is_sign("*") || is_sign("/") || is_sign("//") || is_sign("%")) {
      const std::string sign = take().value;
      made = node_of(Node::binary, sign, std::move(made), power());
    }
    return made;
  }
  NodePtr power() {
    auto made = unary(true);
    while (accept("**")) made = node_of(Node::binary, "**", std::move(made), unary(true));
    return made;
  }

  NodePtr unary(bool with_filters) {
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

  NodePtr constant(Value value) {
    auto made = node(Node::constant);
    made->value = std::move(value);
    take();
    return made;
  }

  NodePtr primary() {
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

  void arguments(Node& made) {
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

  NodePtr subscript(NodePtr of) {
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

  NodePtr postfix(NodePtr made) {
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

  NodePtr filters(NodePtr made) {
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

  NodePtr test(NodePtr of) {
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

  std::vector<Token> tokens_;
  std::size_t at_ = 0;
  int depth_ = 0, loops_ = 0;
};

}  // namespace

std::shared_ptr<const Node> parse(std::string_view source) { return Parser(tokens_of(source)).whole(); }

}  // namespace retort::jinja
