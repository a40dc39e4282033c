// Attributes and items as jinja2 looks them up, and the methods of Python's texts, dicts and lists.
#include <algorithm>

#include <utf8proc.h>

#include "core/text/jinja/evaluator.h"

namespace retort::jinja {
namespace {

char32_t point_at(std::string_view text, std::size_t at, std::size_t& bytes) {
  utf8proc_int32_t point = -1;
  const auto got = utf8proc_iterate(reinterpret_cast<const utf8proc_uint8_t*>(text.data()) + at,
                                    static_cast<utf8proc_ssize_t>(text.size() - at), &point);
  bytes = got > 0 ? static_cast<std::size_t>(got) : 1;
  return got > 0 ? static_cast<char32_t>(point) : 0xFFFD;
}

bool is_white(char32_t c) {
  return (c >= 9 && c <= 13) || (c >= 0x1c && c <= 0x20) || c == 0x85 || c == 0xa0 || c == 0x1680 ||
         (c >= 0x2000 && c <= 0x200a) || c == 0x2028 || c == 0x2029 || c == 0x202f || c == 0x205f || c == 0x3000;
}

// Whether the character belongs to the set that strip() takes away; nullptr is white space.
bool is_in(std::string_view character, char32_t point, const Text* set) {
  return set == nullptr ? is_white(point) : set->view().find(character) != std::string_view::npos;
}

Text stripped(const Text& text, const Text* set, bool left, bool right) {
  std::size_t begin = 0, end = text.size();
  while (left && begin < end) {
    std::size_t bytes = 0;
    const char32_t c = point_at(text.view(), begin, bytes);
    if (!is_in(text.view().substr(begin, bytes), c, set)) break;
    begin += bytes;
  }
  while (right && end > begin) {
    std::size_t at = end - 1, bytes = 0;
    while (at > begin && (static_cast<unsigned char>(text.view()[at]) & 0xC0) == 0x80) --at;
    const char32_t c = point_at(text.view(), at, bytes);
    if (!is_in(text.view().substr(at, end - at), c, set)) break;
    end = at;
  }
  return text.part(begin, end);
}

enum class Case { lower, upper, title, capital };

Text cased(const Text& text, Case wanted) {
  Text made;
  bool inside = false;  // a word
  for (std::size_t at = 0; at < text.size();) {
    std::size_t bytes = 0;
    const auto c = static_cast<utf8proc_int32_t>(point_at(text.view(), at, bytes));
    const bool up = wanted == Case::upper || ((wanted == Case::title || wanted == Case::capital) && !inside);
    const utf8proc_int32_t changed = up ? utf8proc_toupper(c) : utf8proc_tolower(c);
    if (changed == c) {
      made.append(text.part(at, at + bytes));
    } else {
      utf8proc_uint8_t room[4];
      const auto length = utf8proc_encode_char(changed, room);
      made.append(Text(std::string(reinterpret_cast<const char*>(room), static_cast<std::size_t>(length)),
                       text.part(at, at + bytes).marks()));
    }
    inside = wanted == Case::capital || utf8proc_toupper(c) != c || utf8proc_tolower(c) != c;
    at += bytes;
  }
  return made;
}

Value split_on(const Text& text, const std::string& glue, std::int64_t most, bool from_right) {
  if (glue.empty()) throw Fault{"split on an empty text"};
  std::vector<std::pair<std::size_t, std::size_t>> cuts;
  if (from_right) {
    std::size_t end = text.size();
    while (most < 0 || static_cast<std::int64_t>(cuts.size()) < most) {
      if (end < glue.size()) break;
      const std::size_t at = text.view().rfind(glue, end - glue.size());
      if (at == std::string_view::npos) break;
      cuts.emplace_back(at, at + glue.size());
      end = at;
    }
    std::reverse(cuts.begin(), cuts.end());
  } else {
    std::size_t from = 0;
    while (most < 0 || static_cast<std::int64_t>(cuts.size()) < most) {
      const std::size_t at = text.view().find(glue, from);
      if (at == std::string_view::npos) break;
      cuts.emplace_back(at, at + glue.size());
      from = at + glue.size();
    }
  }
  std::vector<Value> parts;
  std::size_t from = 0;
  for (const auto& [begin, end] : cuts) {
    parts.emplace_back(text.part(from, begin));
    from = end;
  }
  parts.emplace_back(text.part(from, text.size()));
  return make_list(std::move(parts));
}

Value split_on_white(const Text& text, std::int64_t most) {
  std::vector<Value> parts;
  std::size_t at = 0;
  while (true) {
    std::size_t bytes = 0;
    while (at < text.size() && is_white(point_at(text.view(), at, bytes))) at += bytes;
    if (at >= text.size()) break;
    if (most >= 0 && static_cast<std::int64_t>(parts.size()) == most) {
      parts.emplace_back(stripped(text.part(at, text.size()), nullptr, false, true));
      break;
    }
    const std::size_t begin = at;
    while (at < text.size() && !is_white(point_at(text.view(), at, bytes))) at += bytes;
    parts.emplace_back(text.part(begin, at));
  }
  return make_list(std::move(parts));
}

Text replaced(Evaluator& evaluator, const Text& text, const Text& from, const Text& to, std::int64_t most) {
  if (from.size() == 0) throw Fault{"replace of an empty text"};
  Text made;
  std::size_t at = 0;
  for (; most != 0; --most) {
    const std::size_t found = text.view().find(from.view(), at);
    if (found == std::string_view::npos) break;
    made.append(text.part(at, found));
    made.append(to);
    evaluator.charge(to.size() + found - at);
    at = found + from.size();
  }
  made.append(text.part(at, text.size()));
  return made;
}

bool any_affix(const Text& text, const Value& affix, bool at_start) {
  if (const auto* list = affix.as<List>())
    return std::any_of((*list)->items.begin(), (*list)->items.end(),
                       [&](const Value& one) { return any_affix(text, one, at_start); });
  const std::string_view wanted = text_of(affix, at_start ? "startswith" : "endswith").view();
  return at_start ? text.view().starts_with(wanted) : text.view().ends_with(wanted);
}

// Python's '...'.format() with {} and {0}, which is all that templates use.
Text formatted(const Text& text, const Arguments& given) {
  Text made;
  std::size_t next = 0;
  for (std::size_t at = 0; at < text.size();) {
    const char c = text.view()[at];
    if (c != '{' && c != '}') {
      const std::size_t end = std::min(text.view().find_first_of("{}", at), text.size());
      made.append(text.part(at, end));
      at = end;
    } else if (at + 1 < text.size() && text.view()[at + 1] == c) {
      made.append(text.part(at, at + 1));
      at += 2;
    } else {
      const std::size_t close = text.view().find('}', at);
      if (c == '}' || close == std::string_view::npos) throw Fault{"format with a single brace"};
      const std::string field = text.bytes().substr(at + 1, close - at - 1);
      const bool digits = field.size() < 4 && field.find_first_not_of("0123456789") == std::string::npos;
      const Value* value = field.empty() ? argument(given, next++)
                           : digits      ? argument(given, static_cast<std::size_t>(std::atoi(field.c_str())))
                                         : argument(given, given.positional.size(), field);
      if (value == nullptr) throw Fault{"format with a field beyond the subset"};
      made.append(to_text(*value));
      at = close + 1;
    }
  }
  return made;
}

using Method = Value (*)(Evaluator&, const Text&, const Arguments&);

std::int64_t count_at(const Arguments& given, std::size_t place, const char* name) {
  const Value* value = argument(given, place, name);
  return value == nullptr ? -1 : whole_number(*value);
}
const Text* text_at(const Arguments& given, std::size_t place) {
  const Value* value = argument(given, place, "chars");
  return value == nullptr || value->is_none() ? nullptr : &text_of(*value, "an argument");
}
Value found_at(const Text& text, std::size_t at) {
  return at == std::string_view::npos ? std::int64_t{-1}
                                      : static_cast<std::int64_t>(characters(text.view().substr(0, at)));
}
const Value& needed(const Arguments& given, std::size_t place) {
  const Value* value = argument(given, place);
  if (value == nullptr) throw Fault{"a method lacks an argument"};
  return *value;
}

const std::pair<const char*, Method> kTextMethods[] = {
    {"strip",
     [](Evaluator&, const Text& t, const Arguments& g) -> Value { return stripped(t, text_at(g, 0), true, true); }},
    {"lstrip",
     [](Evaluator&, const Text& t, const Arguments& g) -> Value { return stripped(t, text_at(g, 0), true, false); }},
    {"rstrip",
     [](Evaluator&, const Text& t, const Arguments& g) -> Value { return stripped(t, text_at(g, 0), false, true); }},
    {"lower", [](Evaluator&, const Text& t, const Arguments&) -> Value { return cased(t, Case::lower); }},
    {"upper", [](Evaluator&, const Text& t, const Arguments&) -> Value { return cased(t, Case::upper); }},
    {"title", [](Evaluator&, const Text& t, const Arguments&) -> Value { return cased(t, Case::title); }},
    {"capitalize", [](Evaluator&, const Text& t, const Arguments&) -> Value { return cased(t, Case::capital); }},
    {"startswith",
     [](Evaluator&, const Text& t, const Arguments& g) -> Value { return any_affix(t, needed(g, 0), true); }},
    {"endswith",
     [](Evaluator&, const Text& t, const Arguments& g) -> Value { return any_affix(t, needed(g, 0), false); }},
    {"split",
     [](Evaluator&, const Text& t, const Arguments& g) -> Value {
       const Value* glue = argument(g, 0, "sep");
       const std::int64_t most = count_at(g, 1, "maxsplit");
       if (glue == nullptr || glue->is_none()) return split_on_white(t, most);
       return split_on(t, text_of(*glue, "split").bytes(), most, false);
     }},
    {"rsplit",
     [](Evaluator&, const Text& t, const Arguments& g) -> Value {
       return split_on(t, text_of(needed(g, 0), "rsplit").bytes(), count_at(g, 1, "maxsplit"), true);
     }},
    {"splitlines",
     [](Evaluator&, const Text& t, const Arguments&) -> Value {
       Text ended = t.view().ends_with('\n') ? t.part(0, t.size() - 1) : t;
       return t.size() == 0 ? make_list({}) : split_on(ended, "\n", -1, false);
     }},
    {"replace",
     [](Evaluator& e, const Text& t, const Arguments& g) -> Value {
       return replaced(e, t, text_of(needed(g, 0), "replace"), text_of(needed(g, 1), "replace"),
                       count_at(g, 2, "count"));
     }},
    {"format", [](Evaluator&, const Text& t, const Arguments& g) -> Value { return formatted(t, g); }},
    {"find",
     [](Evaluator&, const Text& t, const Arguments& g) -> Value {
       return found_at(t, t.view().find(text_of(needed(g, 0), "find").view()));
     }},
    {"rfind",
     [](Evaluator&, const Text& t, const Arguments& g) -> Value {
       return found_at(t, t.view().rfind(text_of(needed(g, 0), "rfind").view()));
     }},
    {"count",
     [](Evaluator&, const Text& t, const Arguments& g) -> Value {
       const auto parts = split_on(t, text_of(needed(g, 0), "count").bytes(), -1, false);
       return static_cast<std::int64_t>((*parts.as<List>())->items.size()) - 1;
     }},
    {"join",
     [](Evaluator& e, const Text& t, const Arguments& g) -> Value {
       Arguments glue;
       glue.positional.emplace_back(t);
       return filtered(e, "join", needed(g, 0), glue);
     }},
    {"isdigit",
     [](Evaluator&, const Text& t, const Arguments&) -> Value {
       return t.size() > 0 && t.view().find_first_not_of("0123456789") == std::string_view::npos;
     }},
};

Value bound(const std::string& name, std::function<Value(Evaluator&, Arguments&)> call) {
  return std::make_shared<FunctionData>(FunctionData{name, std::move(call)});
}

Value dict_method(const Dict& dict, const std::string& name) {
  if (name == "get") {
    return bound(name, [dict](Evaluator&, Arguments& given) -> Value {
      const Value& key = needed(given, 0);
      const Value* found = key.as<Text>() != nullptr ? dict->find(key.as<Text>()->view()) : nullptr;
      const Value* fallback = argument(given, 1);
      return found != nullptr ? *found : fallback != nullptr ? *fallback : Value(None{});
    });
  }
  if (name != "items" && name != "keys" && name != "values") return Undefined{name};
  return bound(name, [dict, name](Evaluator&, Arguments&) -> Value {
    std::vector<Value> made;
    for (const auto& [key, value] : dict->items)
      made.push_back(name == "keys" ? Value(key) : name == "values" ? value : make_list({key, value}, true));
    return make_list(std::move(made));
  });
}

}  // namespace

Value method(const Value& value, const std::string& name) {
  if (const auto* text = value.as<Text>()) {
    for (const auto& [its, call] : kTextMethods) {
      if (name == its)
        return bound(name,
                     [text = *text, call = call](Evaluator& e, Arguments& given) { return call(e, text, given); });
    }
  } else if (const auto* dict = value.as<Dict>()) {
    if ((*dict)->kind == DictData::Kind::plain) return dict_method(*dict, name);
  } else if (const auto* list = value.as<List>(); list != nullptr && (name == "index" || name == "count")) {
    return bound(name, [list = *list, name](Evaluator&, Arguments& given) -> Value {
      std::int64_t count = 0;
      for (std::size_t i = 0; i < list->items.size(); ++i) {
        if (!equal(list->items[i], needed(given, 0))) continue;
        if (name == "index") return static_cast<std::int64_t>(i);
        ++count;
      }
      if (name == "index") throw Fault{"the value is not in the list"};
      return count;
    });
  }
  return Undefined{name};
}

Value attribute(const Value& value, const std::string& name) {
  if (value.is_undefined()) throw Fault{"'" + name + "' of " + type_name(value)};
  Value found = method(value, name);
  if (!found.is_undefined()) return found;
  if (const auto* dict = value.as<Dict>()) {
    if (const Value* its = (*dict)->find(name)) return *its;
  }
  return Undefined{name};
}

Value item(const Value& value, const Value& key) {
  if (value.is_undefined()) throw Fault{"an item of " + type_name(value)};
  if (const auto* name = key.as<Text>()) {
    if (const auto* dict = value.as<Dict>()) {
      if (const Value* found = (*dict)->find(name->view())) return *found;
    }
    return method(value, name->bytes());
  }
  if (key.as<std::int64_t>() == nullptr && key.as<bool>() == nullptr) return Undefined{};
  std::int64_t at = whole_number(key);
  if (const auto* list = value.as<List>()) {
    const auto count = static_cast<std::int64_t>((*list)->items.size());
    if (at < 0) at += count;
    if (at >= 0 && at < count) return (*list)->items[static_cast<std::size_t>(at)];
  } else if (const auto* text = value.as<Text>()) {
    const auto count = static_cast<std::int64_t>(characters(text->view()));
    if (at < 0) at += count;
    if (at >= 0 && at < count)
      return text->part(byte_of_character(text->view(), static_cast<std::size_t>(at)),
                        byte_of_character(text->view(), static_cast<std::size_t>(at) + 1));
  }
  return Undefined{};
}

bool contains(const Value& container, const Value& value) {
  if (const auto* text = container.as<Text>())
    return text->view().find(text_of(value, "'in'").view()) != std::string_view::npos;
  if (const auto* dict = container.as<Dict>())
    return value.as<Text>() != nullptr && (*dict)->find(value.as<Text>()->view()) != nullptr;
  const std::vector<Value> all = elements(container);
  return std::any_of(all.begin(), all.end(), [&](const Value& one) { return equal(one, value); });
}

}  // namespace retort::jinja
