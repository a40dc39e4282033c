#include "core/text/word_scanners.h"

#include "core/text/pre_tokenizer.h"
#include "core/text/unicode.h"

namespace retort {
namespace {

struct Char {
  CharClass what = CharClass::other;
  char32_t point = 0;
  std::size_t bytes = 0;  // 0 at the end
};

struct Reader {
  const UnicodeTable& table = UnicodeTable::get();
  const char* text;
  std::size_t end;

  Char at(std::size_t place) const {
    if (place >= end) return {};
    const auto [point, bytes] = utf8_char(text, place);
    return {table.char_class(point), point, bytes};
  }
  template <class Wanted>
  std::size_t skip(std::size_t place, Wanted wanted) const {
    while (place < end) {
      const auto [point, bytes] = utf8_char(text, place);
      if (!wanted(table.char_class(point))) break;
      place += bytes;
    }
    return place;
  }
};

char32_t folded(char32_t c) {
  if (c >= 'A' && c <= 'Z') return c + 32;
  return c == 0x17F ? U's' : c;  // the long s
}

// 's 't 're 've 'm 'll 'd at an apostrophe: where it ends, or 0.
template <bool kAnyCase>
std::size_t contraction(const Reader& reader, std::size_t place) {
  const auto fold = [](char32_t c) { return kAnyCase ? folded(c) : c; };
  const Char first = reader.at(place + 1);
  if (first.bytes == 0) return 0;
  const std::size_t after = place + 1 + first.bytes;
  const char32_t a = fold(first.point);
  if (a == 's' || a == 't' || a == 'm' || a == 'd') return after;
  if (a != 'r' && a != 'v' && a != 'l') return 0;
  const Char second = reader.at(after);
  return second.bytes != 0 && fold(second.point) == (a == 'l' ? U'l' : U'e') ? after + second.bytes : 0;
}

// \s+(?!\S)|\s+ : a run of white space leaves its last character to the word after it.
std::size_t white_space(const Reader& reader, std::size_t place, std::size_t run_end) {
  if (run_end == reader.end) return run_end;
  const std::size_t last = utf8_before(reader.text, run_end);
  return last > place ? last : run_end;
}

constexpr auto is_space = [](CharClass c) { return c == CharClass::space; };

std::size_t scan_gpt2(const char* text, std::size_t place, std::size_t end) {
  const Reader reader{.text = text, .end = end};
  const Char first = reader.at(place);
  if (first.point == '\'') {
    if (const std::size_t after = contraction<false>(reader, place)) return after;
  }
  Char body = first;
  std::size_t from = place;
  if (first.point == ' ') {
    body = reader.at(place + 1);
    from = place + 1;
    if (body.bytes == 0) return from;
  }
  const auto is_other = [](CharClass c) { return c == CharClass::other || c == CharClass::mark; };
  if (body.what == CharClass::letter) return reader.skip(from, [](CharClass c) { return c == CharClass::letter; });
  if (body.what == CharClass::number) return reader.skip(from, [](CharClass c) { return c == CharClass::number; });
  if (is_other(body.what)) return reader.skip(from, is_other);
  return white_space(reader, place, reader.skip(place, is_space));
}

// Llama 3's pattern and its relatives: so many digits to a word; marks are letters (Qwen 3.5) or signs.
template <int kDigits, bool kMarksAreLetters>
std::size_t scan_llama3(const char* text, std::size_t place, std::size_t end) {
  const Reader reader{.text = text, .end = end};
  const auto is_letter = [](CharClass c) {
    return c == CharClass::letter || (kMarksAreLetters && c == CharClass::mark);
  };
  const auto is_sign = [](CharClass c) { return c == CharClass::other || (!kMarksAreLetters && c == CharClass::mark); };
  const Char first = reader.at(place);
  if (first.point == '\'') {
    if (const std::size_t after = contraction<true>(reader, place)) return after;
  }
  if (first.what == CharClass::letter) return reader.skip(place, is_letter);
  std::size_t next = place + first.bytes;
  if (first.what == CharClass::number) {
    for (int digits = 1; digits < kDigits; ++digits) {
      const Char digit = reader.at(next);
      if (digit.bytes == 0 || digit.what != CharClass::number) break;
      next += digit.bytes;
    }
    return next;
  }
  const bool breaks_line = first.point == '\n' || first.point == '\r';
  const Char second = reader.at(next);
  if (!breaks_line && second.bytes != 0 && is_letter(second.what)) return reader.skip(next, is_letter);
  if (is_letter(first.what)) return next;  // a mark alone
  if (is_sign(first.what) || (first.point == ' ' && second.bytes != 0 && is_sign(second.what))) {
    std::size_t at = reader.skip(next, is_sign);
    while (at < end && (text[at] == '\n' || text[at] == '\r')) ++at;
    return at;
  }
  const std::size_t run_end = reader.skip(place, is_space);
  for (std::size_t at = run_end; at > place; --at) {
    if (text[at - 1] == '\n' || text[at - 1] == '\r') return at;
  }
  return white_space(reader, place, run_end);
}

// Digits one by one, or in runs, and what lies between them as a whole.
template <bool kAlone>
std::size_t scan_digits(const char* text, std::size_t place, std::size_t end) {
  const UnicodeTable& table = UnicodeTable::get();
  const auto first = utf8_char(text, place);
  const bool digits = table.is_digit(first.point);
  std::size_t next = place + first.bytes;
  if (digits && kAlone) return next;
  while (next < end) {
    const auto [point, bytes] = utf8_char(text, next);
    if (table.is_digit(point) != digits) break;
    next += bytes;
  }
  return next;
}

}  // namespace

WordScanner word_scanner(std::string_view pattern) {
  if (pattern == kGpt2Pattern) return scan_gpt2;
  if (pattern == kLlama3Pattern) return scan_llama3<3, false>;
  if (pattern == kDigitsAlonePattern) return scan_llama3<1, false>;
  if (pattern == kQwen35Pattern) return scan_llama3<1, true>;
  if (pattern == kDigitPattern) return scan_digits<true>;
  if (pattern == kDigitRunPattern) return scan_digits<false>;
  return nullptr;
}

}  // namespace retort
