// Answers as wholes: words, lists, relations, and sets put together.
#include "core/grade/math_parser.h"

namespace retort {
namespace {

constexpr std::size_t kBytesMax = 4000;

}  // namespace

Math MathParser::whole() {
  if (Math words = only_words()) return words;
  Math math = list();
  if (now().kind != Token::end) throw Unreadable{"'" + now().text + "' was not expected"};
  return math;
}

// An answer in words, such as \text{Evelyn} or (\text{A}): nothing in it computes.
Math MathParser::only_words() {
  std::string words;
  bool any = false;
  for (const MathToken& token : tokens_) {
    const bool around = token.kind == Token::mark && std::string_view("(){}'").find(token.text) != std::string::npos;
    if (token.kind == Token::end || around) continue;
    if (token.kind == Token::mark && !words.empty() && std::string_view(",:-").find(token.text) != std::string::npos) {
      words += ' ';
      continue;
    }
    if (token.kind != Token::text && token.kind != Token::symbol) return nullptr;
    any = any || token.kind == Token::text;
    words += (token.kind == Token::text || token.spaced) && !words.empty() ? " " + token.text : token.text;
  }
  return any ? make_math(Kind::text, words) : nullptr;
}

Math MathParser::list() {
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

std::optional<std::string> MathParser::take_relation() {
  for (const std::string_view mark : {"=", "<", ">"}) {
    if (take_mark(mark)) return std::string(mark);
  }
  for (const std::string_view name : {"<=", ">=", "!="}) {
    if (take_command(name)) return std::string(name);
  }
  return {};
}

Math MathParser::relation() {
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

Math MathParser::unite() {
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

Result<Math> parse_math(std::string_view text) {
  if (text.size() > kBytesMax) return fail(Errc::usage, "it is too long for a final answer");
  std::vector<MathToken> tokens = math_tokens(text);
  if (tokens.size() <= 1) return fail(Errc::usage, "it is empty");
  try {
    return MathParser(std::move(tokens)).whole();
  } catch (const MathParser::Unreadable& reason) {
    return fail(Errc::usage, reason.why);
  }
}

}  // namespace retort
