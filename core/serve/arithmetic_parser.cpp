#include "core/serve/arithmetic_parser.h"

#include <algorithm>
#include <initializer_list>
#include <vector>

namespace retort {
namespace {

constexpr std::size_t kTextMax = 4000;  // a longer text is no small problem
constexpr std::size_t kDigitsMax = 18;

struct Token {
  enum class Kind { word, number, symbol } kind;
  std::string text;
};

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

/// Reads "12345" or "12,345,678" at `at` and moves past it. Nothing if it is too long.
std::optional<std::string> read_number(std::string_view text, std::size_t& at) {
  const auto group_of_three = [&](std::size_t i) {
    for (std::size_t k = 1; k <= 3; ++k) {
      if (i + k >= text.size() || !is_digit(text[i + k])) return false;
    }
    return i + 4 >= text.size() || !is_digit(text[i + 4]);
  };
  std::string digits;
  while (at < text.size() && is_digit(text[at])) digits += text[at++];
  const char separator =
      at < text.size() && digits.size() <= 3 && (text[at] == ',' || text[at] == '_') ? text[at] : '\0';
  while (separator != '\0' && at < text.size() && text[at] == separator && group_of_three(at)) {
    digits += text.substr(at + 1, 3);
    at += 4;
  }
  const std::size_t first = std::min(digits.find_first_not_of('0'), digits.size() - 1);
  digits.erase(0, first);
  if (digits.size() > kDigitsMax) return {};
  return digits;
}

/// Words in lower case, numbers, and the two operators. Nothing if the text holds what we must not misread: decimals,
/// signs, other operators, digits inside words.
std::optional<std::vector<Token>> tokenize(std::string_view text) {
  std::vector<Token> tokens;
  std::size_t at = 0;
  while (at < text.size()) {
    const char c = text[at];
    if (is_digit(c)) {
      auto number = read_number(text, at);
      const bool decimal = at + 1 < text.size() && text[at] == '.' && is_digit(text[at + 1]);
      if (!number || decimal || (at < text.size() && (is_letter(text[at]) || text[at] == '%' || text[at] == '_')))
        return {};
      tokens.push_back({Token::Kind::number, std::move(*number)});
    } else if (is_letter(c)) {
      std::string word;
      while (at < text.size() && (is_letter(text[at]) || text[at] == '\'')) word += lower(text[at++]);
      if (at < text.size() && is_digit(text[at])) return {};
      tokens.push_back({Token::Kind::word, std::move(word)});
    } else if (c == '*' || c == '/' || c == '^') {
      return {};
    } else if (c == '.' && at + 1 < text.size() && is_digit(text[at + 1])) {
      return {};
    } else if (text.substr(at, 3) == "\xE2\x88\x92") {  // the minus sign of typography
      tokens.push_back({Token::Kind::symbol, "-"});
      at += 3;
    } else {
      if (c == '+' || c == '-') tokens.push_back({Token::Kind::symbol, std::string(1, c)});
      ++at;
    }
  }
  return tokens;
}

class Reader {
 public:
  explicit Reader(const std::vector<Token>& tokens) : tokens_(tokens) {
    for (std::size_t i = 0; i < tokens.size(); ++i) {
      if (tokens[i].kind == Token::Kind::number) numbers_.push_back(i);
    }
  }

  std::optional<ArithmeticProblem> read() const {
    if (numbers_.size() != 2) return {};
    if (const auto operation = expression()) return problem(*operation);
    if (has_symbol()) return {};  // a sign or hyphen that is no operator between our numbers
    if (has({"subtract", "take", "deduct"}) && between({"from"})) return swapped(ArithmeticOperation::difference);
    if (const auto operation = question()) return problem(*operation);
    return {};
  }

 private:
  using Words = std::initializer_list<std::string_view>;

  const Token& token(std::size_t i) const { return tokens_[i]; }
  std::string_view word(std::size_t i) const {
    return i < tokens_.size() && tokens_[i].kind != Token::Kind::number ? std::string_view(tokens_[i].text)
                                                                        : std::string_view();
  }
  static bool one_of(std::string_view text, Words words) {
    return std::find(words.begin(), words.end(), text) != words.end();
  }

  bool has(Words words) const {
    return std::any_of(tokens_.begin(), tokens_.end(),
                       [&](const Token& t) { return t.kind == Token::Kind::word && one_of(t.text, words); });
  }
  bool between(Words words) const {
    for (std::size_t i = numbers_[0] + 1; i < numbers_[1]; ++i) {
      if (one_of(word(i), words)) return true;
    }
    return false;
  }
  bool has_symbol() const {
    return std::any_of(tokens_.begin(), tokens_.end(), [](const Token& t) { return t.kind == Token::Kind::symbol; });
  }
  bool how_many(Words then) const {
    for (std::size_t i = 0; i + 2 < tokens_.size(); ++i) {
      if (word(i) == "how" && one_of(word(i + 1), {"many", "much"}) && one_of(word(i + 2), then)) return true;
    }
    return false;
  }

  /// `482 + 71`, `482 minus 71`: one operator between the numbers, and no other sign anywhere.
  std::optional<ArithmeticOperation> expression() const {
    if (numbers_[1] != numbers_[0] + 2) return {};
    const auto signs =
        std::count_if(tokens_.begin(), tokens_.end(), [](const Token& t) { return t.kind == Token::Kind::symbol; });
    const std::string_view sign = word(numbers_[0] + 1);
    if (signs > (one_of(sign, {"+", "-"}) ? 1 : 0)) return {};
    if (one_of(sign, {"+", "plus"})) return ArithmeticOperation::sum;
    if (one_of(sign, {"-", "minus"})) return ArithmeticOperation::difference;
    return {};
  }

  /// Asked in words. The order matters: what is asked says more than what happened, and "71 more" more than the verb.
  std::optional<ArithmeticOperation> question() const {
    if (has({"times", "multiplied", "multiply", "product", "divide", "divided", "each", "every", "half", "twice",
             "double"}))
      return {};
    if (has({"which"}) && has({"larger", "bigger", "greater", "higher", "largest", "biggest", "greatest"}))
      return ArithmeticOperation::larger;
    if (has({"which"}) && has({"smaller", "lower", "lesser", "smallest", "lowest"}))
      return ArithmeticOperation::smaller;
    if (how_many({"more", "fewer", "less"}) || has({"share", "shares", "difference"}))
      return ArithmeticOperation::distance;
    if (has({"together", "altogether", "total", "sum", "add", "added"})) return ArithmeticOperation::sum;
    if (one_of(word(numbers_[1] + 1), {"more"}) || one_of(word(numbers_[1] + 2), {"more"}))
      return ArithmeticOperation::sum;
    if (has({"left", "remain", "remains", "remaining", "gives", "gave", "loses", "lost", "sells", "sold", "eats", "ate",
             "uses", "used", "spends", "spent"})) {
      return ArithmeticOperation::difference;
    }
    if (has({"buys", "bought", "gets", "got", "finds", "found", "receives", "received", "earns", "earned", "wins",
             "won", "picks", "picked", "collects", "collected"})) {
      return ArithmeticOperation::sum;
    }
    return {};
  }

  ArithmeticProblem problem(ArithmeticOperation operation) const {
    return {operation, token(numbers_[0]).text, token(numbers_[1]).text};
  }
  ArithmeticProblem swapped(ArithmeticOperation operation) const {
    return {operation, token(numbers_[1]).text, token(numbers_[0]).text};
  }

  const std::vector<Token>& tokens_;
  std::vector<std::size_t> numbers_;
};

}  // namespace

std::optional<ArithmeticProblem> parse_arithmetic(std::string_view text) {
  if (text.size() > kTextMax) return {};
  const auto tokens = tokenize(text);
  if (!tokens) return {};
  return Reader(*tokens).read();
}

}  // namespace retort
