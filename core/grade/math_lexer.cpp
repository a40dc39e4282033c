#include "core/grade/math_lexer.h"

#include <algorithm>
#include <array>
#include <utility>

#include "core/base/text.h"
#include "core/grade/math_names.h"

namespace retort {
namespace {

using Kind = MathToken::Kind;

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

template <class Table>
const std::string_view* find_in(const Table& table, std::string_view name) {
  for (const auto& [key, value] : table) {
    if (key == name) return &value;
  }
  return nullptr;
}

template <class Table>
bool among(const Table& table, std::string_view name) {
  return std::find(table.begin(), table.end(), name) != table.end();
}

std::string ascii_notation(std::string_view text) {
  std::string result;
  for (std::size_t at = 0; at < text.size();) {
    bool found = false;
    if (static_cast<unsigned char>(text[at]) >= 0x80) {
      for (const auto& [from, to] : kUnicode) {
        if (!text.substr(at).starts_with(from)) continue;
        result += to;
        at += from.size();
        found = true;
        break;
      }
    }
    if (!found) result += text[at++];
  }
  return result;
}

class Lexer {
 public:
  explicit Lexer(std::string text) : text_(std::move(text)) {}

  std::vector<MathToken> run() {
    while (at_ < text_.size()) step();
    add(Kind::end, "");
    return std::move(tokens_);
  }

 private:
  char peek(std::size_t ahead = 0) const { return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0'; }
  std::string_view rest() const { return std::string_view(text_).substr(at_); }

  void add(Kind kind, std::string text) {
    tokens_.push_back({kind, std::move(text), spaced_});
    spaced_ = false;
  }

  void add_named(std::string_view value) {
    const Kind kind = value[0] == 's' ? Kind::symbol : value[0] == 'c' ? Kind::command : Kind::mark;
    add(kind, std::string(value.substr(2)));
  }

  void step() {
    const char c = peek();
    if (c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '~' || c == '$') {
      spaced_ = true;
      ++at_;
    } else if (c == '\\') {
      command();
    } else if (is_digit(c) || (c == '.' && is_digit(peek(1)))) {
      number();
    } else if (is_letter(c)) {
      word();
    } else if (c == '*' && peek(1) == '*') {
      at_ += 2;
      add(Kind::mark, "^");
    } else if ((c == '<' || c == '>' || c == '!') && peek(1) == '=') {
      at_ += 2;
      add(Kind::command, std::string(1, c) + "=");
    } else {
      ++at_;
      if (c == '_' && index()) return;
      if (c != '.' || !trimmed(rest()).empty()) add(Kind::mark, std::string(1, c));  // a full stop ends a sentence
      if (c == '(' || c == '[') ++depth_;
      if ((c == ')' || c == ']') && depth_ > 0) --depth_;
    }
  }

  // An index of letters and digits is one name, whatever it spells.
  bool index() {
    const std::size_t end = text_.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789",
                                                    peek() == '{' ? at_ + 1 : text_.size());
    if (end == std::string::npos || text_[end] != '}' || !is_letter(peek(1))) return false;
    add(Kind::mark, "_");
    add(Kind::symbol, text_.substr(at_ + 1, end - at_ - 1));
    at_ = end + 1;
    return true;
  }

  // The words in the braces that open here, and past them.
  std::string braces() {
    while (peek() == ' ') ++at_;
    if (peek() != '{') return {};
    int depth = 0;
    const std::size_t begin = at_ + 1;
    for (; at_ < text_.size(); ++at_) {
      if (text_[at_] == '{') ++depth;
      if (text_[at_] == '}' && --depth == 0) break;
    }
    const std::size_t end = std::min(at_, text_.size());
    if (at_ < text_.size()) ++at_;
    return text_.substr(begin, end - begin);
  }

  void command() {
    ++at_;
    if (!is_letter(peek())) {
      const char c = peek();
      ++at_;
      if (c == '{') return add(Kind::command, "lset");
      if (c == '}') return add(Kind::command, "rset");
      if (c == '%') return add(Kind::mark, "%");
      if (c == '|') return add(Kind::mark, "|");
      if (c == '\\') return add(Kind::command, "newline");
      if (c == ' ' || c == '(' || c == ')' || c == '[' || c == ']') spaced_ = true;
      return;  // \, \! \; \: \$ and the like: space
    }
    const std::size_t begin = at_;
    while (is_letter(peek())) ++at_;
    const std::string name = text_.substr(begin, at_ - begin);
    if (name == "left" || name == "right") {
      if (peek() == '.') ++at_;
      return;
    }
    if (among(kIgnored, name)) return;
    if (among(kWords, name)) {
      const std::string inside = braces();
      const bool letter = inside.size() == 1 && is_letter(inside[0]);
      // \mathrm{e} is a letter, \text{A} a choice, but \text{m} a metre.
      if (letter && (name == "mathrm" || inside[0] <= 'Z')) return add(Kind::symbol, inside);
      return words(inside);
    }
    if (among(kDress, name)) return;  // the braces behind it group its letter
    if (name == "mathbb") {
      std::string set = braces();
      if (set.empty() && at_ < text_.size()) set = text_[at_++];
      return add(Kind::symbol, "mathbb " + std::string(trimmed(set)));
    }
    if (name == "begin" || name == "end") {
      const std::string environment = braces();
      if (environment == "array") braces();
      return add(Kind::command, name);
    }
    if (const auto* value = find_in(kCommands, name)) return add_named(*value);
    add(Kind::symbol, name);
  }

  // What stands in \text{…}: a connective, a letter, or words.
  void words(const std::string& inside) {
    const std::string text(trimmed(inside));
    if (text.empty()) {
      spaced_ = true;
      return;
    }
    const std::string lower = lower_ascii(text);
    if (lower == "or" || lower == "and") return add(Kind::mark, ",");
    if (text.find_first_not_of("0123456789.,-+/ ") == std::string::npos) {
      for (MathToken& token : Lexer(text).run()) {
        if (token.kind != Kind::end) tokens_.push_back(std::move(token));
      }
      return;
    }
    if (const auto* value = find_in(kPlain, lower)) return add_named(*value);
    add(inside.front() == ' ' ? Kind::unit : Kind::text, text);
  }

  // A word of plain notation: a function, a product of letters, or words of a language.
  void word() {
    const std::size_t begin = at_;
    while (is_letter(peek())) ++at_;
    const std::string name = text_.substr(begin, at_ - begin);
    if (name.size() > 1) {
      if (const auto* value = find_in(kPlain, lower_ascii(name))) return add_named(*value);
      if (name.size() > 3) return add(Kind::text, name);
    }
    for (const char letter : name) add(Kind::symbol, std::string(1, letter));
  }

  // Digits after a separator of thousands: exactly three, and then no fourth.
  bool three_digits(std::size_t from) const {
    for (std::size_t i = 0; i < 3; ++i) {
      if (!is_digit(peek(from + i))) return false;
    }
    return !is_digit(peek(from + 3));
  }

  void number() {
    std::string digits;
    while (is_digit(peek())) digits += text_[at_++];
    while (digits.size() <= 3 || grouped_) {
      std::size_t length = 0;
      for (const std::string_view separator : {"{,}", ",\\!", "\\,", "\\!,", ",", " "}) {
        if (!rest().starts_with(separator) || !three_digits(separator.size())) continue;
        if (separator.size() == 1 && depth_ > 0) continue;  // (1,234) is a pair
        length = separator.size();
        break;
      }
      if (length == 0 || digits.empty() || digits == "0") break;
      grouped_ = true;
      at_ += length;
      for (int i = 0; i < 3; ++i) digits += text_[at_++];
    }
    grouped_ = false;
    if (peek() == '.' && (is_digit(peek(1)) || rest().starts_with(".\\overline"))) {
      digits += text_[at_++];
      while (is_digit(peek())) digits += text_[at_++];
    } else if (peek() == '.' && (peek(1) == '\0' || peek(1) == ' ' || peek(1) == '$')) {
      ++at_;
    }
    if (digits.front() == '.') digits.insert(digits.begin(), '0');
    const bool scientific = (peek() == 'e' || peek() == 'E') &&
                            (is_digit(peek(1)) || ((peek(1) == '-' || peek(1) == '+') && is_digit(peek(2))));
    if (scientific) add(Kind::mark, "{");
    add(Kind::number, std::move(digits));
    if (!scientific) return;
    ++at_;
    add(Kind::mark, "*");
    add(Kind::number, "10");
    add(Kind::mark, "^");
    add(Kind::mark, "{");
    if (peek() == '-' || peek() == '+') add(Kind::mark, std::string(1, text_[at_++]));
    std::string exponent;
    while (is_digit(peek())) exponent += text_[at_++];
    add(Kind::number, std::move(exponent));
    add(Kind::mark, "}");
    add(Kind::mark, "}");
  }

  std::string text_;
  std::size_t at_ = 0;
  int depth_ = 0;  // of round and square brackets
  bool spaced_ = false, grouped_ = false;
  std::vector<MathToken> tokens_;
};

}  // namespace

std::vector<MathToken> math_tokens(std::string_view text) { return Lexer(ascii_notation(text)).run(); }

}  // namespace retort
