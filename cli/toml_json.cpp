#include "cli/toml_json.h"

#include <sstream>

namespace retort {

Json to_json(const toml::node& node) {
  if (const auto* table = node.as_table()) {
    Json object = Json::object();
    for (const auto& [key, value] : *table) object[std::string(key.str())] = to_json(value);
    return object;
  }
  if (const auto* array = node.as_array()) {
    Json list = Json::array();
    for (const toml::node& item : *array) list.push_back(to_json(item));
    return list;
  }
  if (const auto text = node.value_exact<std::string>()) return *text;
  if (const auto flag = node.value_exact<bool>()) return *flag;
  if (const auto whole = node.value_exact<std::int64_t>()) return *whole;
  if (const auto number = node.value_exact<double>()) return *number;
  std::ostringstream date;
  if (const auto day = node.value_exact<toml::date>()) date << *day;
  return date.str();
}

Result<Json> parse_toml(const std::string& text, const std::string& path) {
  try {
    const toml::table table = toml::parse(text, path);
    return to_json(table);
  } catch (const toml::parse_error& problem) {
    return fail(Errc::usage,
                path + ":" + std::to_string(problem.source().begin.line) + ": " + std::string(problem.description()));
  }
}

}  // namespace retort
