#include "core/base/json_reader.h"

#include <charconv>
#include <cstdint>
#include <cstring>
#include <string>

#include "core/base/text.h"

namespace retort {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

class Reader {
 public:
  Reader(std::string_view text, int depth_max) : at_(text.data()), end_(at_ + text.size()), depth_left_(depth_max) {}

  bool document(Json& out) {
    if (!value(out)) return false;
    skip_space();
    return at_ == end_;
  }

 private:
  void skip_space() {
    while (at_ != end_ && (*at_ == ' ' || *at_ == '\n' || *at_ == '\r' || *at_ == '\t')) ++at_;
  }

  bool take(char expected) {
    if (at_ == end_ || *at_ != expected) return false;
    ++at_;
    return true;
  }

  bool take_word(std::string_view word) {
    if (static_cast<std::size_t>(end_ - at_) < word.size() || std::memcmp(at_, word.data(), word.size()) != 0)
      return false;
    at_ += word.size();
    return true;
  }

  bool value(Json& out) {
    skip_space();
    if (at_ == end_) return false;
    switch (*at_) {
      case '{':
        return object(out);
      case '[':
        return array(out);
      case '"': {
        std::string text;
        if (!string(text)) return false;
        out = std::move(text);
        return true;
      }
      case 't':
        out = true;
        return take_word("true");
      case 'f':
        out = false;
        return take_word("false");
      case 'n':
        out = nullptr;
        return take_word("null");
      default:
        return number(out);
    }
  }

  bool object(Json& out) {
    if (depth_left_-- == 0) return false;
    ++at_;
    out = Json::object();
    auto& members = out.get_ref<Json::object_t&>();
    skip_space();
    if (!take('}')) {
      do {
        skip_space();
        std::string key;
        if (at_ == end_ || *at_ != '"' || !string(key)) return false;
        skip_space();
        // Of equal keys the last one wins.
        if (!take(':') || !value(members[std::move(key)])) return false;
        skip_space();
      } while (take(','));
      if (!take('}')) return false;
    }
    ++depth_left_;
    return true;
  }

  bool array(Json& out) {
    if (depth_left_-- == 0) return false;
    ++at_;
    out = Json::array();
    auto& items = out.get_ref<Json::array_t&>();
    skip_space();
    if (!take(']')) {
      do {
        if (!value(items.emplace_back())) return false;
        skip_space();
      } while (take(','));
      if (!take(']')) return false;
    }
    ++depth_left_;
    return true;
  }

  bool string(std::string& out) {
    ++at_;
    while (true) {
      const char* const run = at_;
      bool ascii = true;
      while (true) {
        while (end_ - at_ >= 8 && !has_special_byte(at_)) at_ += 8;
        if (at_ == end_) return false;
        const auto c = static_cast<unsigned char>(*at_);
        if (c == '"' || c == '\\') break;
        if (c < 0x20) return false;
        if (c >= 0x80) ascii = false;
        ++at_;
      }
      const std::string_view text(run, static_cast<std::size_t>(at_ - run));
      if (!ascii && !is_valid_utf8(text)) return false;
      out.append(text);
      if (*at_++ == '"') return true;
      if (!escape(out)) return false;
    }
  }

  bool escape(std::string& out) {
    if (at_ == end_) return false;
    constexpr std::string_view kNames = "\"\\/bfnrt", kMeant = "\"\\/\b\f\n\r\t";
    const char name = *at_++;
    if (name == 'u') return code_point(out);
    const std::size_t which = kNames.find(name);
    if (which == std::string_view::npos) return false;
    out += kMeant[which];
    return true;
  }

  bool four_digits(std::uint32_t& code) {
    if (end_ - at_ < 4) return false;
    const auto [last, problem] = std::from_chars(at_, at_ + 4, code, 16);
    if (problem != std::errc() || last != at_ + 4) return false;
    at_ += 4;
    return true;
  }

  bool code_point(std::string& out) {
    std::uint32_t code = 0, low = 0;
    if (!four_digits(code)) return false;
    if (code >= 0xDC00 && code <= 0xDFFF) return false;
    if (code >= 0xD800 && code <= 0xDBFF) {
      if (!take_word("\\u") || !four_digits(low) || low < 0xDC00 || low > 0xDFFF) return false;
      code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
    }
    const auto byte = [&out](std::uint32_t bits) { out += static_cast<char>(bits); };
    if (code < 0x80) {
      byte(code);
    } else if (code < 0x800) {
      byte(0xC0 | (code >> 6));
      byte(0x80 | (code & 0x3F));
    } else if (code < 0x10000) {
      byte(0xE0 | (code >> 12));
      byte(0x80 | ((code >> 6) & 0x3F));
      byte(0x80 | (code & 0x3F));
    } else {
      byte(0xF0 | (code >> 18));
      byte(0x80 | ((code >> 12) & 0x3F));
      byte(0x80 | ((code >> 6) & 0x3F));
      byte(0x80 | (code & 0x3F));
    }
    return true;
  }

  bool digits() {
    const char* const first = at_;
    while (at_ != end_ && is_digit(*at_)) ++at_;
    return at_ != first;
  }

  bool number(Json& out) {
    const char* const first = at_;
    const bool negative = take('-');
    const char* const whole = at_;
    if (!digits() || (*whole == '0' && at_ - whole > 1)) return false;
    bool integral = true;
    if (take('.')) {
      integral = false;
      if (!digits()) return false;
    }
    if (at_ != end_ && (*at_ == 'e' || *at_ == 'E')) {
      integral = false;
      ++at_;
      if (at_ != end_ && (*at_ == '+' || *at_ == '-')) ++at_;
      if (!digits()) return false;
    }
    constexpr std::ptrdiff_t kDigitsMax = 18;  // what always fits into 64 bits
    if (integral && at_ - whole > kDigitsMax) return false;
    if (!integral) return parsed<double>(first, out);
    return negative ? parsed<std::int64_t>(first, out) : parsed<std::uint64_t>(first, out);
  }

  template <typename Number>
  bool parsed(const char* first, Json& out) {
    Number result{};
    const auto [last, problem] = std::from_chars(first, at_, result);
    if (problem != std::errc() || last != at_) return false;
    out = result;
    return true;
  }

  const char* at_;
  const char* end_;
  int depth_left_;
};

}  // namespace

std::optional<Json> read_plain_json(std::string_view text, int depth_max) {
  std::optional<Json> result(std::in_place);
  if (!Reader(text, depth_max).document(*result)) result.reset();
  return result;
}

}  // namespace retort
