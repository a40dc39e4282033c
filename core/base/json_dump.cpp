// Writing JSON. Every question passes through here more than once, and the library's own writer takes several times as
// long for the same bytes. What is rare and intricate (fractions, bytes that are no UTF-8) stays its business.
#include <charconv>
#include <utility>

#include "core/base/json.h"
#include "core/base/json_reader.h"
#include "core/base/text.h"

namespace retort {
namespace {

std::string dump_by_library(const Json& value) { return value.dump(-1, ' ', false, Json::error_handler_t::replace); }

void append_text(std::string& out, const std::string& text) {
  constexpr char kHex[] = "0123456789abcdef";
  const std::size_t began = out.size();
  bool checked = false;
  out += '"';
  std::size_t plain = 0;  // where the run of bytes that stand as they are begins
  for (std::size_t i = 0; i < text.size(); ++i) {
    while (text.size() - i > 8 && !has_special_byte(text.data() + i)) i += 8;
    const auto byte = static_cast<unsigned char>(text[i]);
    if (byte >= 0x80 && !checked) {
      if (!is_valid_utf8(text)) {
        out.erase(began);
        out += dump_by_library(text);
        return;
      }
      checked = true;
    }
    if (byte >= 0x20 && byte != '"' && byte != '\\') continue;
    out.append(text, plain, i - plain);
    plain = i + 1;
    out += '\\';
    constexpr std::string_view kNamed = "\b\t\n\f\r\"\\";
    if (const std::size_t at = kNamed.find(text[i]); at != std::string_view::npos) {
      out += "btnfr\"\\"[at];
    } else {
      out += "u00";
      out += kHex[byte >> 4];
      out += kHex[byte & 15];
    }
  }
  out.append(text, plain);
  out += '"';
}

template <class Integer>
void append_integer(std::string& out, Integer number) {
  char digits[24];
  out.append(digits, std::to_chars(digits, digits + sizeof digits, number).ptr);
}

void append_json(std::string& out, const Json& value) {
  bool first = true;
  switch (value.type()) {
    case Json::value_t::null:
      out += "null";
      break;
    case Json::value_t::boolean:
      out += value.get<bool>() ? "true" : "false";
      break;
    case Json::value_t::number_integer:
      append_integer(out, value.get<std::int64_t>());
      break;
    case Json::value_t::number_unsigned:
      append_integer(out, value.get<std::uint64_t>());
      break;
    case Json::value_t::string:
      append_text(out, value.get_ref<const std::string&>());
      break;
    case Json::value_t::array:
      out += '[';
      for (const Json& item : value) {
        if (!std::exchange(first, false)) out += ',';
        append_json(out, item);
      }
      out += ']';
      break;
    case Json::value_t::object:
      out += '{';
      for (const auto& [key, member] : value.get_ref<const Json::object_t&>()) {
        if (!std::exchange(first, false)) out += ',';
        append_text(out, key);
        out += ':';
        append_json(out, member);
      }
      out += '}';
      break;
    default:
      out += dump_by_library(value);
  }
}

}  // namespace

std::string dump_json(const Json& value) {
  std::string text;
  append_json(text, value);
  return text;
}

}  // namespace retort
