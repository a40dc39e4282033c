#include <algorithm>

#include "core/text/jinja/syntax.h"

namespace retort::jinja {
namespace {

bool is_white(char c) { return c == ' ' || (c >= '\t' && c <= '\r') || (c >= 0x1c && c <= 0x1f); }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_name(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || is_digit(c); }

std::string prepared(std::string_view source) {
  std::string made;
  for (std::size_t at = 0; at < source.size(); ++at) {
    if (source[at] == '\r') {
      made += '\n';
      if (at + 1 < source.size() && source[at + 1] == '\n') ++at;
    } else {
      made += source[at];
    }
  }
  if (made.ends_with('\n')) made.pop_back();
  return made;
}

void append_utf8(std::string& text, unsigned c) {
  if (c < 0x80) {
    text += static_cast<char>(c);
  } else if (c < 0x800) {
    text += static_cast<char>(0xC0 | (c >> 6));
    text += static_cast<char>(0x80 | (c & 0x3F));
  } else if (c < 0x10000) {
    text += static_cast<char>(0xE0 | (c >> 12));
    text += static_cast<char>(0x80 | ((c >> 6) & 0x3F));
    text += static_cast<char>(0x80 | (c & 0x3F));
  } else {
    text += static_cast<char>(0xF0 | (c >> 18));
    text += static_cast<char>(0x80 | ((c >> 12) & 0x3F));
    text += static_cast<char>(0x80 | ((c >> 6) & 0x3F));
    text += static_cast<char>(0x80 | (c & 0x3F));
  }
}

class Lexer {
 public:
  explicit Lexer(std::string source) : source_(std::move(source)) {}

  std::vector<Token> run() {
    while (at_ < source_.size()) {
      std::size_t tag = at_;
      while (tag = source_.find('{', tag), tag != std::string::npos && !is_opening(tag)) ++tag;
      if (tag == std::string::npos) {
        add_data(source_.size(), '\0', '\0');
        break;
      }
      const char kind = source_[tag + 1];
      const char sign = tag + 2 < source_.size() ? source_[tag + 2] : '\0';
      add_data(tag, kind, sign);
      at_ = tag + 2 + (sign == '-' || sign == '+' ? 1 : 0);
      if (kind == '#') {
        skip_comment();
      } else if (kind == '%' && skip_raw()) {
        continue;
      } else {
        inside(kind);
      }
    }
    add(Token::end, "");
    return std::move(tokens_);
  }

 private:
  bool is_opening(std::size_t at) const {
    return at + 1 < source_.size() && (source_[at + 1] == '{' || source_[at + 1] == '%' || source_[at + 1] == '#');
  }
  void add(Token::Kind kind, std::string value) { tokens_.push_back({kind, std::move(value), line_}); }
  void move_to(std::size_t to) {
    line_ += static_cast<int>(std::count(source_.begin() + static_cast<std::ptrdiff_t>(at_),
                                         source_.begin() + static_cast<std::ptrdiff_t>(to), '\n'));
    at_ = to;
  }

  void add_data(std::size_t until, char kind, char sign) {
    std::string_view text = std::string_view(source_).substr(at_, until - at_);
    if (sign == '-' && kind != '\0') {
      while (!text.empty() && is_white(text.back())) text.remove_suffix(1);
    } else if (sign != '+' && (kind == '%' || kind == '#')) {
      const std::size_t line = text.rfind('\n') + 1;  // npos + 1 is 0
      const bool starts_line = line > 0 || line_starting_;
      if (starts_line && std::all_of(text.begin() + static_cast<std::ptrdiff_t>(line), text.end(), is_white))
        text = text.substr(0, line);
    }
    if (!text.empty()) add(Token::data, std::string(text));
    move_to(until);
    line_starting_ = false;
  }

  // After "-%}" all white space goes, after "%}" one line break.
  void finish_tag(bool strips, bool trims) {
    std::size_t to = at_;
    if (strips) {
      while (to < source_.size() && is_white(source_[to])) ++to;
    } else if (trims && to < source_.size() && source_[to] == '\n') {
      ++to;
    }
    line_starting_ = to > at_ && source_[to - 1] == '\n';
    move_to(to);
  }

  void skip_comment() {
    const std::size_t close = source_.find("#}", at_);
    if (close == std::string::npos) throw Fault{"a comment is not closed", line_};
    const char sign = close > at_ ? source_[close - 1] : '\0';
    move_to(close + 2);
    finish_tag(sign == '-', sign != '+');
  }

  // {% raw %} … {% endraw %}
  bool skip_raw() {
    std::size_t at = at_;
    while (at < source_.size() && is_white(source_[at])) ++at;
    if (source_.compare(at, 3, "raw") != 0 || (at + 3 < source_.size() && is_name(source_[at + 3]))) return false;
    throw Fault{"{% raw %} is beyond the subset", line_};
  }

  void inside(char kind) {
    add(kind == '%' ? Token::block_begin : Token::variable_begin, "");
    const std::string close = kind == '%' ? "%}" : "}}";
    int brackets = 0;
    while (true) {
      while (at_ < source_.size() && is_white(source_[at_])) move_to(at_ + 1);
      if (at_ >= source_.size()) throw Fault{"a tag is not closed", line_};
      const bool minus = source_[at_] == '-' || source_[at_] == '+';
      if (brackets == 0 &&
          (source_.compare(at_, 2, close) == 0 || (minus && source_.compare(at_ + 1, 2, close) == 0))) {
        const char sign = minus ? source_[at_] : '\0';
        add(kind == '%' ? Token::block_end : Token::variable_end, "");
        move_to(at_ + 2 + (minus ? 1 : 0));
        return finish_tag(sign == '-', kind == '%' && sign != '+');
      }
      const std::size_t begin = tokens_.size();
      one_token();
      if (tokens_[begin].kind == Token::sign) {
        const char c = tokens_[begin].value[0];
        brackets += c == '(' || c == '[' || c == '{' ? 1 : c == ')' || c == ']' || c == '}' ? -1 : 0;
        if (brackets < 0) throw Fault{"a bracket closes nothing", line_};
      }
    }
  }

  void one_token() {
    const char c = source_[at_];
    if (c == '\'' || c == '"') return one_text(c);
    if (is_digit(c)) return one_number();
    if (is_name(c)) {
      std::size_t to = at_;
      while (to < source_.size() && is_name(source_[to])) ++to;
      add(Token::name, source_.substr(at_, to - at_));
      at_ = to;
      return;
    }
    for (const char* two : {"==", "!=", "<=", ">=", "//", "**"}) {
      if (source_.compare(at_, 2, two) == 0) {
        add(Token::sign, two);
        at_ += 2;
        return;
      }
    }
    if (std::string_view("+-*/%~<>=()[]{}.,:|").find(c) == std::string_view::npos)
      throw Fault{std::string("unexpected character '") + (static_cast<unsigned char>(c) < 0x80 ? c : '?') + "'",
                  line_};
    add(Token::sign, std::string(1, c));
    ++at_;
  }

  void one_number() {
    std::size_t to = at_;
    bool real = false;
    while (to < source_.size() && (is_digit(source_[to]) || source_[to] == '_')) ++to;
    if (to + 1 < source_.size() && source_[to] == '.' && is_digit(source_[to + 1])) {
      real = true;
      ++to;
      while (to < source_.size() && is_digit(source_[to])) ++to;
    }
    std::string digits = source_.substr(at_, to - at_);
    std::erase(digits, '_');
    if (digits.size() > 18) throw Fault{"a number is too long", line_};
    add(real ? Token::real : Token::integer, digits);
    at_ = to;
  }

  void one_text(char quote) {
    std::string value;
    std::size_t at = at_ + 1;
    for (; at < source_.size() && source_[at] != quote; ++at) {
      if (source_[at] != '\\' || at + 1 >= source_.size()) {
        value += source_[at];
        continue;
      }
      const char c = source_[++at];
      const std::string_view simple = "n\nr\rt\tb\bf\fv\va\a\\\\''\"\"";
      std::size_t found = 0;
      while (found < simple.size() && simple[found] != c) found += 2;
      if (found < simple.size()) {
        value += simple[found + 1];
      } else if (c == 'u' || c == 'x') {
        const std::size_t digits = c == 'u' ? 4 : 2;
        unsigned point = 0;
        for (std::size_t i = 1; i <= digits; ++i) {
          const char digit = at + i < source_.size() ? source_[at + i] : ' ';
          const auto place = std::string_view("0123456789abcdefABCDEF").find(digit);
          if (place == std::string_view::npos) throw Fault{"a string has a broken escape", line_};
          point = point * 16 + static_cast<unsigned>(place > 15 ? place - 6 : place);
        }
        append_utf8(value, point);
        at += digits;
      } else if (c != '\n') {
        value += '\\';
        value += c;
      }
    }
    if (at >= source_.size()) throw Fault{"a string is not closed", line_};
    add(Token::text, value);
    move_to(at + 1);
  }

  std::string source_;
  std::size_t at_ = 0;
  int line_ = 1;
  bool line_starting_ = true;
  std::vector<Token> tokens_;
};

}  // namespace

std::vector<Token> tokens_of(std::string_view source) { return Lexer(prepared(source)).run(); }

}  // namespace retort::jinja
