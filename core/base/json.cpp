#include "core/base/json.h"

#include <cmath>

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
  if (too_deep(text))
    return fail(Errc::usage, "JSON is nested deeper than " + std::to_string(kJsonDepthMax) + " levels");
  try {
    return Json::parse(text);
  } catch (const Json::exception& problem) {
    // "[json.exception.parse_error.101] parse error at line 1, column 5: …; last read: '…'"
    std::string what = problem.what();
    if (const std::size_t end = what.find("] "); end != std::string::npos) what.erase(0, end + 2);
    if (const std::size_t last = what.find("; last read"); last != std::string::npos) what.erase(last);
    return fail(Errc::usage, what);
  }
}

std::string canonical_json(const Json& value) { return dump_json(canonical(value)); }

std::string dump_json(const Json& value) { return value.dump(-1, ' ', false, Json::error_handler_t::replace); }

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
