#include "core/curate/words.h"

#include <array>
#include <cstring>

namespace retort {
namespace {

constexpr std::size_t kBytesMax = std::size_t{1} << 30;
constexpr unsigned char kSeparator = 0, kOperator = 1, kMinus = 2,
                        kBeyondAscii = 3;  // others: the letter in lower case

constexpr std::array<unsigned char, 256> ascii_classes() {
  std::array<unsigned char, 256> table{};
  for (int c = '0'; c <= '9'; ++c) table[static_cast<std::size_t>(c)] = static_cast<unsigned char>(c);
  for (int c = 'a'; c <= 'z'; ++c) {
    table[static_cast<std::size_t>(c)] = static_cast<unsigned char>(c);
    table[static_cast<std::size_t>(c - 'a' + 'A')] = static_cast<unsigned char>(c);
  }
  for (const char c : {'+', '=', '<', '>', '^', '/', '%'}) table[static_cast<unsigned char>(c)] = kOperator;
  table[static_cast<unsigned char>('-')] = kMinus;
  for (std::size_t c = 128; c < 256; ++c) table[c] = kBeyondAscii;
  return table;
}
constexpr auto kClasses = ascii_classes();

struct Character {
  std::uint32_t code = 0;
  std::uint32_t bytes = 1;
};

// Lenient: what is no UTF-8 is one byte of a separator.
Character decode(const unsigned char* at, std::size_t left) {
  const auto tail = [&](std::size_t i) { return i < left && (at[i] & 0xC0) == 0x80; };
  const auto six = [&](std::size_t i) { return static_cast<std::uint32_t>(at[i] & 0x3F); };
  if (at[0] >= 0xC2 && at[0] < 0xE0 && tail(1)) return {(at[0] & 0x1FU) << 6 | six(1), 2};
  if ((at[0] & 0xF0) == 0xE0 && tail(1) && tail(2)) return {(at[0] & 0x0FU) << 12 | six(1) << 6 | six(2), 3};
  if ((at[0] & 0xF8) == 0xF0 && tail(1) && tail(2) && tail(3))
    return {(at[0] & 0x07U) << 18 | six(1) << 12 | six(2) << 6 | six(3), 4};
  return {0, 1};
}

bool in(std::uint32_t code, std::uint32_t first, std::uint32_t last) { return code >= first && code <= last; }

bool is_ideograph(std::uint32_t code) {
  return in(code, 0x4E00, 0x9FFF) || in(code, 0x3041, 0x30FF) || in(code, 0x3400, 0x4DBF) || in(code, 0xF900, 0xFAFF) ||
         in(code, 0x20000, 0x3FFFF);
}

bool is_separator(std::uint32_t code) {
  return (code < 0xC0 && code != 0xAA && code != 0xB5 && code != 0xBA) || code == 0xD7 || code == 0xF7 ||
         in(code, 0x2000, 0x206F) || in(code, 0x20A0, 0x20CF) || in(code, 0x2190, 0x2BFF) || in(code, 0x3000, 0x3040) ||
         in(code, 0xFE00, 0xFE6F) || in(code, 0xFF00, 0xFF0F) || in(code, 0xFF1A, 0xFF20) || in(code, 0xFF3B, 0xFF40) ||
         in(code, 0xFF5B, 0xFF65) || code == 0xFEFF || code == 0xFFFD || in(code, 0x1F000, 0x1FAFF);
}

std::uint32_t folded(std::uint32_t code) {
  if (in(code, 0xC0, 0xDE) || in(code, 0x391, 0x3A9) || in(code, 0x410, 0x42F)) return code + 32;
  if (in(code, 0x100, 0x137) || in(code, 0x14A, 0x177) || in(code, 0x460, 0x481) || in(code, 0x48A, 0x4BF) ||
      in(code, 0x4D0, 0x52F) || in(code, 0x1E00, 0x1E95) || in(code, 0x1EA0, 0x1EFF))
    return code | 1;
  if (in(code, 0x139, 0x148) || in(code, 0x179, 0x17E)) return code + (code & 1);
  if (in(code, 0x400, 0x40F)) return code + 80;
  if (in(code, 0xFF10, 0xFF19)) return code - 0xFEE0;
  if (in(code, 0xFF21, 0xFF3A)) return code - 0xFEC0;
  if (in(code, 0xFF41, 0xFF5A)) return code - 0xFEE0;
  return code;
}

char* encode(std::uint32_t code, char* out) {
  const auto put = [&out](std::uint32_t byte) { *out++ = static_cast<char>(byte); };
  if (code < 0x80) {
    put(code);
  } else if (code < 0x800) {
    put(0xC0 | code >> 6);
    put(0x80 | (code & 0x3F));
  } else if (code < 0x10000) {
    put(0xE0 | code >> 12);
    put(0x80 | (code >> 6 & 0x3F));
    put(0x80 | (code & 0x3F));
  } else {
    put(0xF0 | code >> 18);
    put(0x80 | (code >> 12 & 0x3F));
    put(0x80 | (code >> 6 & 0x3F));
    put(0x80 | (code & 0x3F));
  }
  return out;
}

__extension__ using Wide = unsigned __int128;

std::uint64_t folded_product(std::uint64_t a, std::uint64_t b) {
  const Wide product = static_cast<Wide>(a) * b;
  return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}

// In the manner of wyhash: eight bytes a multiplication. Eight bytes beyond the word may be read, and count nothing.
std::uint64_t word_hash(const char* begin, std::size_t bytes) {
  std::uint64_t hash = 0x9e3779b97f4a7c15ULL ^ bytes;
  while (true) {
    std::uint64_t eight = 0;
    std::memcpy(&eight, begin, 8);
    if (bytes < 8) eight &= (std::uint64_t{1} << (8 * bytes)) - 1;
    hash = folded_product(hash ^ eight, 0xa0761d6478bd642fULL ^ hash >> 7);
    if (bytes <= 8) return mixed_bits(hash);
    begin += 8;
    bytes -= 8;
  }
}

// Writes words into a buffer that has room for twice the text.
class Writer {
 public:
  Writer(Words& words, std::size_t text_bytes) : words_(words) {
    words.text.resize(2 * text_bytes + 16);
    words.ends.clear();
    words.hashes.clear();
    start_ = word_ = out_ = words.text.data();
  }
  char* out_ = nullptr;

  void end_word() {
    if (out_ == word_) return;
    words_.hashes.push_back(word_hash(word_, static_cast<std::size_t>(out_ - word_)));
    words_.ends.push_back(static_cast<std::uint32_t>(out_ - start_));
    *out_++ = ' ';
    word_ = out_;
  }
  void whole_word(std::uint32_t code) {
    end_word();
    out_ = encode(code, out_);
    end_word();
  }
  void finish() {
    end_word();
    words_.text.resize(words_.ends.empty() ? 0 : words_.ends.back());
  }

 private:
  Words& words_;
  char* start_ = nullptr;
  char* word_ = nullptr;
};

bool is_digit(unsigned char c) { return c >= '0' && c <= '9'; }

}  // namespace

void read_words(std::string_view text, Words& words) {
  text = text.substr(0, kBytesMax);
  Writer writer(words, text.size());
  const auto* at = reinterpret_cast<const unsigned char*>(text.data());
  const unsigned char* const end = at + text.size();
  while (at < end) {
    unsigned char kind = kClasses[*at];
    if (kind > kBeyondAscii) {
      char* out = writer.out_;  // a local, which the bytes written cannot change: kept in a register
      do {
        *out++ = static_cast<char>(kind);
      } while (++at < end && (kind = kClasses[*at]) > kBeyondAscii);
      writer.out_ = out;
    } else if (kind != kBeyondAscii) {
      writer.end_word();
      if (kind == kOperator || (kind == kMinus && at + 1 < end && is_digit(at[1]))) writer.whole_word(*at);
      ++at;
    } else {
      const Character character = decode(at, static_cast<std::size_t>(end - at));
      at += character.bytes;
      if (is_separator(character.code)) {
        writer.end_word();
      } else if (is_ideograph(character.code)) {
        writer.whole_word(character.code);
      } else {
        writer.out_ = encode(folded(character.code), writer.out_);
      }
    }
  }
  writer.finish();
}

void shingle_hashes(const Words& words, int width, std::vector<std::uint64_t>& hashes) {
  constexpr std::uint64_t kBase = 0xd1342543de82ef95ULL;
  hashes.clear();
  const std::size_t count = words.size(), wide = static_cast<std::size_t>(width);
  if (count == 0) return;
  const std::size_t first = count < wide ? count : wide;
  std::uint64_t rolling = first, leaving = 1;  // short texts hash their length as well
  for (std::size_t i = 0; i < first; ++i) {
    rolling = rolling * kBase + words.hashes[i];
    leaving *= kBase;
  }
  // The length's own term leaves with the first word, so it is carried along as a constant.
  const std::uint64_t length = first * leaving;
  rolling -= length;
  hashes.reserve(count - first + 1);
  hashes.push_back(mixed_bits(rolling + length));
  for (std::size_t i = first; i < count; ++i) {
    rolling = rolling * kBase + words.hashes[i] - words.hashes[i - first] * leaving;
    hashes.push_back(mixed_bits(rolling + length));
  }
}

}  // namespace retort
