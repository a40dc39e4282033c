// A recursive descent over math_tokens(), for the files math_parser.cpp (answers as wholes: lists, relations, unions),
// math_terms.cpp (sums, products, powers) and math_primary.cpp (what stands by itself, and commands). Depth is bounded,
// so that no bytes exhaust the stack.
#pragma once

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/grade/math_expression.h"
#include "core/grade/math_lexer.h"

namespace retort {

class MathParser {
 public:
  explicit MathParser(std::vector<MathToken> tokens) : tokens_(std::move(tokens)) {}

  /// Thrown inside these files alone, and caught by parse_math(): the way out of a deep descent.
  struct Unreadable {
    std::string why;
  };

  Math whole();

 private:
  using Kind = MathNode::Kind;
  using Token = MathToken::Kind;

  static constexpr int kDepthMax = 400, kChainMax = 80;

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
  void skip_text() {
    while (now().kind == Token::text || now().kind == Token::unit) ++at_;
  }
  static bool whole_number(const Math& math) {
    return math->kind == Kind::number && math->name.find('.') == std::string::npos;
  }
  static bool is_function(const MathToken& token);

  // math_parser.cpp
  Math only_words();
  Math list();
  std::optional<std::string> take_relation();
  Math relation();
  Math unite();

  // math_terms.cpp
  Math sum();
  Math product();
  bool starts_factor() const;
  Math juxtaposed();
  bool number_behind_bracket() const;
  Math mixed_number(const Math& whole, std::size_t begin);
  Math power();
  Math postfixed(Math math);

  // math_primary.cpp
  Math argument();
  Math primary();
  Math number(const std::string& digits);
  Math bracketed();
  static bool is_infinite(const Math& math);
  Math closed_by(const std::string& name, const char* command_name);
  Math command();
  Math matrix();
  Math function();
  Math power_of_argument();

  std::vector<MathToken> tokens_;
  std::size_t at_ = 0;
  int depth_ = 0, bars_ = 0, chain_ = 0;
};

}  // namespace retort
