#include "core/text/unicode.h"

#include <cstdlib>

#include <utf8proc.h>

#include "core/base/assert.h"

namespace retort {
namespace {

constexpr std::uint8_t kHasClass = 8, kUnstable = 16, kAlone = 32;

int combining_class(char32_t c) { return utf8proc_get_property(static_cast<utf8proc_int32_t>(c))->combining_class; }

void append_nfc(std::string_view text, std::string& normal) {
  utf8proc_uint8_t* made = nullptr;
  const auto length =
      utf8proc_map(reinterpret_cast<const utf8proc_uint8_t*>(text.data()), static_cast<utf8proc_ssize_t>(text.size()),
                   &made, static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_COMPOSE));
  RETORT_ASSERT(length >= 0 && made != nullptr);  // the caller vouches for UTF-8
  normal.append(reinterpret_cast<const char*>(made), static_cast<std::size_t>(length));
  std::free(made);
}

}  // namespace

const UnicodeTable& UnicodeTable::get() {
  static const UnicodeTable table;
  return table;
}

UnicodeTable::UnicodeTable() {
  for (const UnicodeRange& range : unicode_ranges()) {
    for (std::uint32_t c = range.first; c < range.first + range.length; ++c) bits_[c] = range.bits;
  }
}

bool to_nfc(std::string_view text, std::string& normal) {
  const UnicodeTable& table = UnicodeTable::get();
  bool changed = false;
  std::size_t copied = 0;  // of text, into normal
  std::size_t stable = 0;  // the last place before which nothing can change any more
  int previous_class = 0;
  bool suspicious = false;  // something since `stable` may change
  const auto settle = [&](std::size_t end) {
    if (suspicious) {
      if (!changed) normal.clear();
      changed = true;
      normal.append(text.substr(copied, stable - copied));
      append_nfc(text.substr(stable, end - stable), normal);
      copied = end;
    }
    suspicious = false;
    stable = end;
  };
  for (std::size_t at = 0; at < text.size();) {
    if (static_cast<std::uint8_t>(text[at]) < 0x80) {
      settle(at++);
      previous_class = 0;
      continue;
    }
    const auto [c, bytes] = utf8_char(text.data(), at);
    const std::uint8_t bits = table.bits(c);
    if ((bits & (kHasClass | kUnstable)) == 0) {
      settle(at);
      previous_class = 0;
      if ((bits & kAlone) != 0) settle(at + bytes);  // what follows is not sorted with it
    } else {
      const int its_class = (bits & kHasClass) != 0 ? combining_class(c) : 0;
      if ((bits & kUnstable) != 0 || (its_class != 0 && its_class < previous_class)) suspicious = true;
      previous_class = its_class;
    }
    at += bytes;
  }
  settle(text.size());
  if (changed) {
    normal.append(text.substr(copied));
    if (normal == text) changed = false;
  }
  return changed;
}

}  // namespace retort
