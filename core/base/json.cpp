#include "core/base/json.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "core/base/json_reader.h"

namespace retort {
namespace {

// nlohmann parses without recursion but copies and dumps with it, so depth is bounded before parsing.
bool too_deep(std::string_view text) {
  int depth = 0;
  bool in_string = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      if (c == '\\')
        ++i;
      else if (c == '"')
        in_string = false;
    } else if (c == '"') {
      in_string = true;
    } else if (c == '[' || c == '{') {
      if (++depth > kJsonDepthMax) return true;
    } else if (c == ']' || c == '}') {
      --depth;
    }
  }
  return false;
}

/// The end of the JSON number that begins at `at`, or `at` if none does.
std::size_t number_end(std::string_view text, std::size_t at) {
  const auto digits = [&](std::size_t from) {
    while (from < text.size() && text[from] >= '0' && text[from] <= '9') ++from;
    return from;
  };
  const std::size_t whole = at + (text[at] == '-' ? 1 : 0);
  std::size_t end = digits(whole);
  if (end == whole || (text[whole] == '0' && end > whole + 1)) return at;
  if (end < text.size() && text[end] == '.') {
    const std::size_t fraction = end + 1;
    end = digits(fraction);
    if (end == fraction) return at;
  }
  if (end < text.size() && (text[end] == 'e' || text[end] == 'E')) {
    std::size_t exponent = end + 1;
    if (exponent < text.size() && (text[exponent] == '+' || text[exponent] == '-')) ++exponent;
    end = digits(exponent);
    if (end == exponent) return at;
  }
  return end;
}

/// The text with `null` for each number that is infinite as a double.
std::string without_infinities(std::string_view text) {
  std::string result;
  bool in_string = false;
  for (std::size_t i = 0; i < text.size();) {
    const char c = text[i];
    std::size_t end = i + 1;
    if (in_string) {
      if (c == '\\') end = std::min(end + 1, text.size());
      if (c == '"') in_string = false;
    } else if (c == '"') {
      in_string = true;
    } else if (c == '-' || (c >= '0' && c <= '9')) {
      end = std::max(end, number_end(text, i));
      if (std::isinf(std::strtod(std::string(text.substr(i, end - i)).c_str(), nullptr))) {
        result += "null";
        i = end;
        continue;
      }
    }
    result.append(text, i, end - i);
    i = end;
  }
  return result;
}

Error why(const Json::exception& problem) {
  // "[json.exception.parse_error.101] parse error at line 1, column 5: …; last read: '…'"
  std::string what = problem.what();
  if (const std::size_t end = what.find("] "); end != std::string::npos) what.erase(0, end + 2);
  if (const std::size_t last = what.find("; last read"); last != std::string::npos) what.erase(last);
  return {Errc::usage, what};
}

bool has_float(const Json& value) {
  if (!value.is_structured()) return value.is_number_float();
  return std::any_of(value.begin(), value.end(), has_float);
}

Json canonical(const Json& value) {
  if (value.is_number_float()) {
    const double number = value.get<double>();
    if (std::isfinite(number) && number == std::floor(number) && std::abs(number) < 9e15) {
      return static_cast<std::int64_t>(number);
    }
    return value;
  }
  if (!value.is_structured()) return value;
  Json result = value;
  for (Json& item : result) item = canonical(item);
  return result;
}

}  // namespace

Result<Json> parse_json(std::string_view text) {
  if (std::optional<Json> plain = read_plain_json(text, kJsonDepthMax)) return std::move(*plain);
  if (too_deep(text))
    return fail(Errc::usage, "JSON is nested deeper than " + std::to_string(kJsonDepthMax) + " levels");
  try {
    return Json::parse(text);
  } catch (const Json::exception& problem) {
    return fail(why(problem));
  }
}

Result<Json> parse_reply_json(std::string_view text) {
  Result<Json> parsed = parse_json(text);
  // Rare, so the text is only looked through again when the strict reading has failed.
  if (parsed || parsed.error().message.find("number overflow") == std::string::npos) return parsed;
  return parse_json(without_infinities(text));
}

std::string canonical_json(const Json& value) {
  // Few have any: a copy of every prompt, only to look for them, would cost more than its digest.
  return has_float(value) ? dump_json(canonical(value)) : dump_json(value);
}

std::string json_text(const Json& object, const char* key) {
  if (!object.is_object()) return {};
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

const Json& json_child(const Json& object, const char* key) {
  static const Json kEmpty = Json::object();
  if (!object.is_object()) return kEmpty;
  const auto found = object.find(key);
  return found != object.end() && found->is_structured() ? *found : kEmpty;
}

std::optional<std::int64_t> json_count(const Json& object, const char* key) {
  if (!object.is_object()) return {};
  const auto found = object.find(key);
  if (found == object.end()) return {};
  if (found->is_number_unsigned()) {
    const auto value = found->get<std::uint64_t>();
    if (value <= static_cast<std::uint64_t>(INT64_MAX)) return static_cast<std::int64_t>(value);
    return {};
  }
  if (found->is_number_integer() && found->get<std::int64_t>() >= 0) return found->get<std::int64_t>();
  return {};
}

}  // namespace retort
