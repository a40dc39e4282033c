#include "core/text/jinja/value.h"

#include <algorithm>
#include <charconv>
#include <cmath>

namespace retort::jinja {
namespace {

constexpr int kDepthMax = 64;

std::string quoted(std::string_view text) {
  const bool has_single = text.find('\'') != std::string_view::npos;
  const char quote = has_single && text.find('"') == std::string_view::npos ? '"' : '\'';
  std::string made(1, quote);
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == quote || c == '\\') {
      made += '\\';
      made += c;
    } else if (c == '\n' || c == '\r' || c == '\t') {
      made += c == '\n' ? "\\n" : c == '\r' ? "\\r" : "\\t";
    } else if (byte < 0x20 || byte == 0x7F) {
      constexpr char kHex[] = "0123456789abcdef";
      made += "\\x";
      made += kHex[byte >> 4];
      made += kHex[byte & 15];
    } else {
      made += c;
    }
  }
  return made + quote;
}

std::string json_quoted(std::string_view text) {
  std::string made = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    switch (c) {
      case '"':
        made += "\\\"";
        break;
      case '\\':
        made += "\\\\";
        break;
      case '\n':
        made += "\\n";
        break;
      case '\r':
        made += "\\r";
        break;
      case '\t':
        made += "\\t";
        break;
      case '\b':
        made += "\\b";
        break;
      case '\f':
        made += "\\f";
        break;
      default:
        if (byte < 0x20) {
          constexpr char kHex[] = "0123456789abcdef";
          made += "\\u00";
          made += kHex[byte >> 4];
          made += kHex[byte & 15];
        } else {
          made += c;
        }
    }
  }
  return made + "\"";
}

void check_depth(int depth) {
  if (depth > kDepthMax) throw Fault{"a value is nested too deeply"};
}

double number(const Value& value) {
  if (const auto* b = value.as<bool>()) return *b ? 1 : 0;
  if (const auto* i = value.as<std::int64_t>()) return static_cast<double>(*i);
  return *value.as<double>();
}
bool is_number(const Value& value) {
  return value.as<bool>() != nullptr || value.as<std::int64_t>() != nullptr || value.as<double>() != nullptr;
}

bool equal_at(const Value& a, const Value& b, int depth) {
  check_depth(depth);
  if (is_number(a) && is_number(b)) return number(a) == number(b);
  if (a.index() != b.index()) return false;
  if (const auto* text = a.as<Text>()) return text->bytes() == b.as<Text>()->bytes();
  if (const auto* list = a.as<List>()) {
    const ListData &x = **list, &y = **b.as<List>();
    return x.tuple == y.tuple && std::equal(x.items.begin(), x.items.end(), y.items.begin(), y.items.end(),
                                            [&](const Value& p, const Value& q) { return equal_at(p, q, depth + 1); });
  }
  if (const auto* dict = a.as<Dict>()) {
    const DictData &x = **dict, &y = **b.as<Dict>();
    if (x.items.size() != y.items.size()) return false;
    return std::all_of(x.items.begin(), x.items.end(), [&](const auto& item) {
      const Value* other = y.find(item.first.view());
      return other != nullptr && equal_at(item.second, *other, depth + 1);
    });
  }
  if (const auto* function = a.as<Function>()) return *function == *b.as<Function>();
  return true;
}

Text repr_at(const Value& value, int depth);

Text joined(const Value& value, int depth) {
  Text made;
  if (const auto* list = value.as<List>()) {
    const ListData& data = **list;
    made.append(data.tuple ? "(" : "[");
    for (std::size_t i = 0; i < data.items.size(); ++i) {
      if (i > 0) made.append(", ");
      made.append(repr_at(data.items[i], depth + 1));
    }
    if (data.tuple && data.items.size() == 1) made.append(",");
    made.append(data.tuple ? ")" : "]");
    return made;
  }
  made.append("{");
  const DictData& data = **value.as<Dict>();
  for (std::size_t i = 0; i < data.items.size(); ++i) {
    if (i > 0) made.append(", ");
    made.append(repr_at(Value(data.items[i].first), depth + 1));
    made.append(": ");
    made.append(repr_at(data.items[i].second, depth + 1));
  }
  made.append("}");
  return made;
}

Text repr_at(const Value& value, int depth) {
  check_depth(depth);
  if (const auto* text = value.as<Text>()) return {quoted(text->view()), text->marks()};
  if (value.as<List>() != nullptr || value.as<Dict>() != nullptr) return joined(value, depth);
  if (value.is_undefined()) return "Undefined";
  return to_text(value);
}

void new_line(Text& made, int indent, int depth) {
  if (indent >= 0) made.append(Text("\n" + std::string(static_cast<std::size_t>(indent * depth), ' ')));
}

void json_at(const Value& value, int indent, bool sort_keys, int depth, Text& made) {
  check_depth(depth);
  const char* separator = indent >= 0 ? "," : ", ";
  if (const auto* text = value.as<Text>()) {
    made.append({json_quoted(text->view()), text->marks()});
  } else if (value.is_none()) {
    made.append("null");
  } else if (const auto* b = value.as<bool>()) {
    made.append(*b ? "true" : "false");
  } else if (const auto* list = value.as<List>()) {
    if ((*list)->items.empty()) return made.append("[]");
    made.append("[");
    bool first = true;
    for (const Value& item : (*list)->items) {
      if (!std::exchange(first, false)) made.append(separator);
      new_line(made, indent, depth + 1);
      json_at(item, indent, sort_keys, depth + 1, made);
    }
    new_line(made, indent, depth);
    made.append("]");
  } else if (const auto* dict = value.as<Dict>()) {
    if ((*dict)->items.empty()) return made.append("{}");
    auto items = (*dict)->items;
    if (sort_keys)
      std::sort(items.begin(), items.end(),
                [](const auto& x, const auto& y) { return x.first.view() < y.first.view(); });
    made.append("{");
    bool first = true;
    for (const auto& [key, item] : items) {
      if (!std::exchange(first, false)) made.append(separator);
      new_line(made, indent, depth + 1);
      made.append({json_quoted(key.view()), key.marks()});
      made.append(": ");
      json_at(item, indent, sort_keys, depth + 1, made);
    }
    new_line(made, indent, depth);
    made.append("}");
  } else if (is_number(value)) {
    made.append(to_text(value));
  } else {
    throw Fault{"tojson cannot write " + type_name(value)};
  }
}

}  // namespace

const Value* DictData::find(std::string_view key) const {
  for (const auto& [name, value] : items) {
    if (name.view() == key) return &value;
  }
  return nullptr;
}

void DictData::set(const Text& key, Value value) {
  for (auto& [name, old] : items) {
    if (name.view() == key.view()) {
      old = std::move(value);
      return;
    }
  }
  items.emplace_back(key, std::move(value));
}

Value make_list(std::vector<Value> items, bool tuple) {
  return std::make_shared<ListData>(ListData{std::move(items), tuple});
}
Value make_dict() { return std::make_shared<DictData>(); }

Value from_json(const Json& json, std::uint8_t marks) {
  switch (json.type()) {
    case Json::value_t::null:
      return None{};
    case Json::value_t::boolean:
      return json.get<bool>();
    case Json::value_t::number_integer:
    case Json::value_t::number_unsigned:
      return json.get<std::int64_t>();
    case Json::value_t::number_float:
      return json.get<double>();
    case Json::value_t::string:
      return Text(json.get<std::string>(), marks);
    case Json::value_t::array: {
      std::vector<Value> items;
      for (const Json& item : json) items.push_back(from_json(item, marks));
      return make_list(std::move(items));
    }
    case Json::value_t::object: {
      auto made = std::make_shared<DictData>();
      for (const auto& [key, item] : json.items()) made->items.emplace_back(Text(key, marks), from_json(item, marks));
      // The order of the keys is not kept by Json; these two stand first wherever people write them.
      std::stable_partition(made->items.begin(), made->items.end(),
                            [](const auto& one) { return one.first.view() == "role" || one.first.view() == "type"; });
      return made;
    }
    default:
      return None{};
  }
}

bool truthy(const Value& value) {
  if (const auto* b = value.as<bool>()) return *b;
  if (const auto* i = value.as<std::int64_t>()) return *i != 0;
  if (const auto* d = value.as<double>()) return *d != 0;
  if (const auto* text = value.as<Text>()) return text->size() > 0;
  if (const auto* list = value.as<List>()) return !(*list)->items.empty();
  if (const auto* dict = value.as<Dict>()) return (*dict)->kind != DictData::Kind::plain || !(*dict)->items.empty();
  return value.as<Function>() != nullptr;
}

bool equal(const Value& a, const Value& b) { return equal_at(a, b, 0); }

bool less(const Value& a, const Value& b) {
  if (is_number(a) && is_number(b)) return number(a) < number(b);
  if (a.as<Text>() != nullptr && b.as<Text>() != nullptr) return a.as<Text>()->view() < b.as<Text>()->view();
  if (a.as<List>() != nullptr && b.as<List>() != nullptr) {
    const auto &x = (*a.as<List>())->items, &y = (*b.as<List>())->items;
    for (std::size_t i = 0; i < x.size() && i < y.size(); ++i) {
      if (!equal(x[i], y[i])) return less(x[i], y[i]);
    }
    return x.size() < y.size();
  }
  throw Fault{"'<' of " + type_name(a) + " and " + type_name(b)};
}

std::string float_repr(double value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value < 0 ? "-inf" : "inf";
  char room[64];
  const bool plain = value == 0 || (std::fabs(value) >= 1e-4 && std::fabs(value) < 1e16);
  const auto end =
      std::to_chars(room, room + sizeof room, value, plain ? std::chars_format::fixed : std::chars_format::scientific)
          .ptr;
  std::string text(room, end);
  if (plain && text.find('.') == std::string::npos) text += ".0";
  return text;
}

Text to_text(const Value& value) {
  if (const auto* text = value.as<Text>()) return *text;
  if (value.is_undefined()) return {};
  if (value.is_none()) return "None";
  if (const auto* b = value.as<bool>()) return *b ? "True" : "False";
  if (const auto* i = value.as<std::int64_t>()) return Text(std::to_string(*i));
  if (const auto* d = value.as<double>()) return Text(float_repr(*d));
  if (const auto* f = value.as<Function>()) throw Fault{"the function " + (*f)->name + " printed"};
  return joined(value, 0);
}
Text to_repr(const Value& value) { return repr_at(value, 0); }

Text to_json(const Value& value, int indent, bool sort_keys) {
  Text made;
  json_at(value, indent, sort_keys, 0, made);
  return made;
}

std::string type_name(const Value& value) {
  static const char* const kNames[] = {"an undefined value", "None",   "a boolean", "an integer", "a float",
                                       "a string",           "a list", "a dict",    "a function"};
  if (const auto* undefined = value.as<Undefined>(); undefined != nullptr && !undefined->name.empty())
    return "'" + undefined->name + "', which is undefined,";
  return kNames[value.index()];
}

std::vector<Value> elements(const Value& value) {
  std::vector<Value> found;
  if (const auto* list = value.as<List>()) return (*list)->items;
  if (const auto* dict = value.as<Dict>()) {
    for (const auto& item : (*dict)->items) found.emplace_back(item.first);
  } else if (const auto* text = value.as<Text>()) {
    for (std::size_t at = 0; at < text->size();) {
      const std::size_t next = at + byte_of_character(text->view().substr(at), 1);
      found.emplace_back(text->part(at, next));
      at = next;
    }
  } else if (!value.is_undefined()) {
    throw Fault{type_name(value) + " is not iterable"};
  }
  return found;
}

std::size_t characters(std::string_view text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

std::size_t byte_of_character(std::string_view text, std::size_t index) {
  std::size_t at = 0;
  while (at < text.size() && index > 0) {
    do ++at;
    while (at < text.size() && (static_cast<unsigned char>(text[at]) & 0xC0) == 0x80);
    --index;
  }
  return at;
}

}  // namespace retort::jinja
