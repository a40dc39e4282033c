#include "core/base/text.h"

#include <charconv>
#include <cstdint>
#include <cstring>
#include <utility>

namespace retort {
namespace {

// The length of the valid sequence at `text[at]`, or 0. Overlong forms, surrogates and code points beyond U+10FFFF
// are invalid.
std::size_t sequence_length(std::string_view text, std::size_t at) {
  const auto byte = [&](std::size_t i) { return static_cast<std::uint8_t>(text[i]); };
  const std::uint8_t lead = byte(at);
  if (lead < 0x80) return 1;
  const std::size_t length = lead >= 0xF0 && lead <= 0xF4   ? 4
                             : lead >= 0xE0 && lead <= 0xEF ? 3
                             : lead >= 0xC2 && lead <= 0xDF ? 2
                                                            : 0;
  if (length == 0 || at + length > text.size()) return 0;
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(at + i) & 0xC0) != 0x80) return 0;
  }
  const std::uint8_t second = byte(at + 1);
  if ((lead == 0xE0 && second < 0xA0) || (lead == 0xED && second > 0x9F) || (lead == 0xF0 && second < 0x90) ||
      (lead == 0xF4 && second > 0x8F)) {
    return 0;
  }
  return length;
}

bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

}  // namespace

bool is_valid_utf8(std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    // Most text is ASCII, and eight bytes of it are as quickly seen as one.
    std::uint64_t eight = 0;
    if (text.size() - at >= sizeof eight) {
      std::memcpy(&eight, text.data() + at, sizeof eight);
      if ((eight & 0x8080808080808080) == 0) {
        at += sizeof eight;
        continue;
      }
    }
    const std::size_t length = sequence_length(text, at);
    if (length == 0) return false;
    at += length;
  }
  return true;
}

std::string to_valid_utf8(std::string_view bytes) {
  std::string result;
  result.reserve(bytes.size());
  bool in_bad_run = false;
  for (std::size_t at = 0; at < bytes.size();) {
    const std::size_t length = sequence_length(bytes, at);
    if (length == 0) {
      if (!in_bad_run) result += "\xEF\xBF\xBD";
      in_bad_run = true;
      ++at;
    } else {
      result.append(bytes.substr(at, length));
      in_bad_run = false;
      at += length;
    }
  }
  return result;
}

std::string shortened(std::string_view text, std::size_t bytes_max) {
  if (text.size() <= bytes_max) return std::string(text);
  std::size_t end = bytes_max;
  while (end > 0 && (static_cast<std::uint8_t>(text[end]) & 0xC0) == 0x80) --end;
  return std::string(text.substr(0, end)) + "…";
}

std::string on_one_line(std::string_view text) {
  std::string result;
  bool space = false;
  for (const char c : text) {
    if (is_space(c) || static_cast<std::uint8_t>(c) < 0x20 || c == 0x7f) {
      space = true;
    } else {
      if (space && !result.empty()) result += ' ';
      space = false;
      result += c;
    }
  }
  return result;
}

namespace {

/// One character as JSON spells it at the begin of `text`, and how many bytes that takes; 0 bytes at the end.
std::pair<char, std::size_t> json_character(std::string_view text) {
  if (text.empty()) return {0, 0};
  if (text[0] == '\\' && text.size() > 1) {
    if (text[1] == '/') return {'/', 2};
    unsigned code = 0;
    if (text[1] == 'u' && text.size() >= 6 &&
        std::from_chars(text.data() + 2, text.data() + 6, code, 16).ptr == text.data() + 6 && code < 0x80) {
      return {static_cast<char>(code), 6};
    }
  }
  return {text[0], 1};
}

/// How many bytes at the begin of `text` spell the secret; 0 if they do not.
std::size_t spelling_of(std::string_view secret, std::string_view text) {
  std::size_t at = 0;
  for (const char wanted : secret) {
    const auto [character, bytes] = json_character(text.substr(at));
    if (bytes == 0 || character != wanted) return 0;
    at += bytes;
  }
  return at;
}

}  // namespace

bool is_secret(std::string_view key) {
  constexpr std::size_t kWithDigit = 8, kWithout = 16;
  return key.size() >= kWithout ||
         (key.size() >= kWithDigit && key.find_first_of("0123456789") != std::string_view::npos);
}

std::string redacted(std::string text, std::string_view secret) {
  if (!is_secret(secret)) return text;
  constexpr std::string_view kMark = "[redacted]";
  for (std::size_t at = text.find(secret); at != std::string::npos; at = text.find(secret, at + kMark.size())) {
    text.replace(at, secret.size(), kMark);
  }
  if (text.find("\\u00") == std::string::npos && text.find("\\/") == std::string::npos) return text;
  const char begins[] = {secret[0], '\\'};
  const std::string_view either(begins, sizeof begins);
  for (std::size_t at = text.find_first_of(either); at != std::string::npos; at = text.find_first_of(either, at)) {
    const std::size_t bytes = spelling_of(secret, std::string_view(text).substr(at));
    if (bytes > 0) text.replace(at, bytes, kMark);
    at += bytes > 0 ? kMark.size() : 1;
  }
  return text;
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
}

std::string lower_ascii(std::string_view text) {
  std::string result(text);
  for (char& c : result) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return result;
}

}  // namespace retort
