// Filters, tests and functions that real chat templates use; what is missing is refused by name.
#include <algorithm>
#include <cmath>
#include <ctime>

#include "core/text/jinja/evaluator.h"

namespace retort::jinja {
namespace {

std::vector<Value> pairs_of(const Value& value, const char* what) {
  const auto* dict = value.as<Dict>();
  if (dict == nullptr) {
    if (value.is_undefined()) return {};
    throw Fault{std::string(what) + " of " + type_name(value)};
  }
  std::vector<Value> pairs;
  for (const auto& [key, its] : (*dict)->items) pairs.push_back(make_list({key, its}, true));
  return pairs;
}

// 'a.b' or 0: what selectattr, map and sort look at.
Value by_path(const Value& value, const Value& path) {
  if (path.as<std::int64_t>() != nullptr) return item(value, path);
  Value now = value;
  std::string_view rest = text_of(path, "an attribute's name").view();
  while (true) {
    const std::size_t dot = rest.find('.');
    now = item(now, Text(std::string(rest.substr(0, dot))));
    if (dot == std::string_view::npos) return now;
    rest = rest.substr(dot + 1);
  }
}

Value selected(const std::string& name, const Value& value, const Arguments& given) {
  const bool by_attribute = name.ends_with("attr"), keep = name.starts_with("select");
  const std::size_t skip = by_attribute ? 1 : 0;
  if (given.positional.size() < skip) throw Fault{"the filter '" + name + "' needs an attribute"};
  std::vector<Value> kept;
  if (!truthy(value)) return make_list({});  // as jinja2 does, even of None
  for (const Value& one : elements(value)) {
    const Value seen = by_attribute ? by_path(one, given.positional[0]) : one;
    bool holds = truthy(seen);
    if (given.positional.size() > skip) {
      Arguments rest;
      rest.positional.push_back(seen);
      rest.positional.insert(rest.positional.end(), given.positional.begin() + static_cast<std::ptrdiff_t>(skip) + 1,
                             given.positional.end());
      holds = tested(text_of(given.positional[skip], "a test's name").bytes(), seen, rest);
    }
    if (holds == keep) kept.push_back(one);
  }
  return make_list(std::move(kept));
}

Value mapped(Evaluator& evaluator, const Value& value, const Arguments& given) {
  const Value* path = argument(given, 99, "attribute");
  const Value* fallback = argument(given, 99, "default");
  std::vector<Value> made;
  if (!truthy(value)) return make_list({});
  for (const Value& one : elements(value)) {
    if (path != nullptr) {
      Value found = by_path(one, *path);
      made.push_back(found.is_undefined() && fallback != nullptr ? *fallback : found);
    } else {
      if (given.positional.empty()) throw Fault{"the filter 'map' needs an attribute or a filter"};
      Arguments rest;
      rest.positional.assign(given.positional.begin() + 1, given.positional.end());
      made.push_back(filtered(evaluator, text_of(given.positional[0], "a filter's name").bytes(), one, rest));
    }
  }
  return make_list(std::move(made));
}

Value joined(Evaluator& evaluator, const Value& value, const Arguments& given) {
  const Value* glue = argument(given, 0, "d");
  const Value* path = argument(given, 1, "attribute");
  Text made;
  bool first = true;
  for (const Value& one : elements(value)) {
    if (!std::exchange(first, false) && glue != nullptr) made.append(to_text(*glue));
    made.append(to_text(path != nullptr ? by_path(one, *path) : one));
    if (made.size() > (64U << 20)) evaluator.charge(made.size());
  }
  evaluator.charge(made.size());
  return made;
}

Value sorted(const Value& value, const Arguments& given) {
  std::vector<Value> items = elements(value);
  const Value* path = argument(given, 2, "attribute");
  const Value* reverse = argument(given, 0, "reverse");
  const Value* sensitive = argument(given, 1, "case_sensitive");
  const auto key = [&](const Value& one) {
    Value seen = path != nullptr ? by_path(one, *path) : one;
    if (seen.as<Text>() == nullptr || (sensitive != nullptr && truthy(*sensitive))) return seen;
    Arguments none;
    Evaluator unused({}, 0);
    return filtered(unused, "lower", seen, none);
  };
  std::vector<std::pair<Value, Value>> keyed;
  for (const Value& one : items) keyed.emplace_back(key(one), one);
  const bool down = reverse != nullptr && truthy(*reverse);
  std::stable_sort(keyed.begin(), keyed.end(), [&](const auto& a, const auto& b) {
    return down ? less(b.first, a.first) : less(a.first, b.first);
  });
  for (std::size_t i = 0; i < items.size(); ++i) items[i] = keyed[i].second;
  return make_list(std::move(items));
}

Value dict_sorted(const Value& value) {
  std::vector<Value> keyed;
  Arguments by_key;
  for (const Value& pair : pairs_of(value, "dictsort")) keyed.push_back(pair);
  by_key.named.emplace_back("attribute", std::int64_t{0});
  return sorted(make_list(std::move(keyed)), by_key);
}

Value indented(Evaluator& evaluator, const Value& value, const Arguments& given) {
  const Text& text = text_of(value, "indent");
  const Value* width = argument(given, 0, "width");
  const Value* first = argument(given, 1, "first");
  const Value* blank = argument(given, 2, "blank");
  Text margin(std::string(4, ' '));
  if (width != nullptr && width->as<Text>() != nullptr) {
    margin = *width->as<Text>();
  } else if (width != nullptr) {
    margin = Text(std::string(static_cast<std::size_t>(std::clamp<std::int64_t>(whole_number(*width), 0, 1000)), ' '));
  }
  Text made;
  std::size_t at = 0;
  for (bool is_first = true; at <= text.size(); is_first = false) {
    std::size_t end = std::min(text.view().find('\n', at), text.size());
    const bool wanted =
        is_first ? first != nullptr && truthy(*first) : end > at || (blank != nullptr && truthy(*blank));
    if (wanted) made.append(margin);
    made.append(text.part(at, std::min(end + 1, text.size())));
    evaluator.charge(margin.size() + end - at);
    at = end + 1;
  }
  return made;
}

Value rounded(const Value& value, const Arguments& given) {
  const Value* digits = argument(given, 0, "precision");
  const auto* real = value.as<double>();
  const double number = real != nullptr ? *real : static_cast<double>(whole_number(value));
  const double scale = std::pow(10.0, digits != nullptr ? static_cast<double>(whole_number(*digits)) : 0.0);
  return std::nearbyint(number * scale) / scale;
}

Value to_number(const std::string& name, const Value& value, const Arguments& given) {
  const Value* fallback = argument(given, 0, "default");
  double number = 0;
  if (const auto* text = value.as<Text>()) {
    char* end = nullptr;
    number = std::strtod(text->bytes().c_str(), &end);
    if (text->size() == 0 || *end != '\0')
      return fallback != nullptr ? *fallback : name == "int" ? Value(std::int64_t{0}) : Value(0.0);
  } else if (const auto* real = value.as<double>()) {
    number = *real;
  } else if (value.as<std::int64_t>() != nullptr || value.as<bool>() != nullptr) {
    if (name == "int") return whole_number(value);
    number = static_cast<double>(whole_number(value));
  } else {
    return fallback != nullptr ? *fallback : name == "int" ? Value(std::int64_t{0}) : Value(0.0);
  }
  if (name == "float") return number;
  if (!(std::fabs(number) < 9e18)) throw Fault{"a number is too large"};
  return static_cast<std::int64_t>(number);
}

Value of_items(const std::string& name, const Value& value) {
  std::vector<Value> items = elements(value);
  if (name == "list") return make_list(std::move(items));
  if (name == "reverse") {
    std::reverse(items.begin(), items.end());
    if (value.as<Text>() == nullptr) return make_list(std::move(items));
    Text made;
    for (const Value& c : items) made.append(*c.as<Text>());
    return made;
  }
  if (name == "unique") {
    std::vector<Value> kept;
    for (const Value& one : items) {
      if (std::none_of(kept.begin(), kept.end(), [&](const Value& other) { return equal(one, other); }))
        kept.push_back(one);
      if (kept.size() > 10'000) throw Fault{"the filter 'unique' of too many values"};
    }
    return make_list(std::move(kept));
  }
  if (items.empty()) return Undefined{};
  if (name == "first") return items.front();
  if (name == "last") return items.back();
  if (name == "min") return *std::min_element(items.begin(), items.end(), less);
  return *std::max_element(items.begin(), items.end(), less);
}

std::int64_t length_of(const Value& value) {
  if (const auto* text = value.as<Text>()) return static_cast<std::int64_t>(characters(text->view()));
  if (const auto* dict = value.as<Dict>()) return static_cast<std::int64_t>((*dict)->items.size());
  if (value.as<List>() == nullptr && !value.is_undefined()) throw Fault{"the length of " + type_name(value)};
  return static_cast<std::int64_t>(elements(value).size());
}

Value as_json(Evaluator& evaluator, const Value& value, const Arguments& given) {
  if (argument(given, 99, "separators") != nullptr) throw Fault{"tojson with separators is beyond the subset"};
  const Value* ascii = argument(given, 0, "ensure_ascii");
  if (ascii != nullptr && truthy(*ascii) && argument(given, 99, "ensure_ascii") != nullptr)
    throw Fault{"tojson with ensure_ascii is beyond the subset"};
  const Value* indent = argument(given, 1, "indent");
  const Value* sort_keys = argument(given, 3, "sort_keys");
  const bool lines = indent != nullptr && !indent->is_none();
  const auto width = lines ? static_cast<int>(std::clamp<std::int64_t>(whole_number(*indent), 0, 100)) : -1;
  Text made = to_json(value, width, sort_keys != nullptr && truthy(*sort_keys));
  evaluator.charge(made.size());
  return made;
}

Value default_of(const Value& value, const Arguments& given) {
  const Value* fallback = argument(given, 0, "default_value");
  const Value* falsy = argument(given, 1, "boolean");
  const bool missing = value.is_undefined() || (falsy != nullptr && truthy(*falsy) && !truthy(value));
  return missing ? (fallback != nullptr ? *fallback : Value(Text())) : value;
}

Value range_of(const Arguments& given) {
  std::int64_t from = 0, to = 0, step = 1;
  const auto& values = given.positional;
  if (values.empty() || values.size() > 3) throw Fault{"range takes one to three numbers"};
  if (values.size() == 1) {
    to = whole_number(values[0]);
  } else {
    from = whole_number(values[0]);
    to = whole_number(values[1]);
    if (values.size() == 3) step = whole_number(values[2]);
  }
  if (step == 0) throw Fault{"range with step 0"};
  std::vector<Value> made;
  for (std::int64_t at = from; step > 0 ? at < to : at > to; at += step) {
    if (made.size() > 100'000) throw Fault{"range of more than 100000 numbers"};
    made.emplace_back(at);
    if ((step > 0 && at > INT64_MAX - step) || (step < 0 && at < INT64_MIN - step)) break;
  }
  return make_list(std::move(made));
}

Value formatted_time(std::int64_t now, const std::string& format) {
  const std::time_t seconds = now;
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  char room[256];
  const std::size_t length = format.size() < 100 ? std::strftime(room, sizeof room, format.c_str(), &parts) : 0;
  return Text(std::string(room, length));
}

}  // namespace

const Value* argument(const Arguments& given, std::size_t place, std::string_view name) {
  if (place < given.positional.size()) return &given.positional[place];
  for (const auto& [its, value] : given.named) {
    if (!name.empty() && its == name) return &value;
  }
  return nullptr;
}

std::int64_t whole_number(const Value& value) {
  if (const auto* i = value.as<std::int64_t>()) return *i;
  if (const auto* b = value.as<bool>()) return *b ? 1 : 0;
  throw Fault{type_name(value) + " where a whole number is needed"};
}

const Text& text_of(const Value& value, const char* what) {
  if (const auto* text = value.as<Text>()) return *text;
  throw Fault{std::string(what) + " of " + type_name(value)};
}

Value filtered(Evaluator& evaluator, const std::string& name, const Value& value, Arguments& given) {
  if (name == "tojson") return as_json(evaluator, value, given);
  if (name == "length" || name == "count") return length_of(value);
  if (name == "default" || name == "d") return default_of(value, given);
  if (name == "string") return to_text(value);
  if (name == "safe") return value;
  if (name == "join") return joined(evaluator, value, given);
  if (name == "items") return make_list(pairs_of(value, "items"));
  if (name == "dictsort" && given.positional.empty() && given.named.empty()) return dict_sorted(value);
  if (name == "select" || name == "reject" || name == "selectattr" || name == "rejectattr")
    return selected(name, value, given);
  if (name == "map") return mapped(evaluator, value, given);
  if (name == "sort") return sorted(value, given);
  if (name == "indent") return indented(evaluator, value, given);
  if (name == "int" || name == "float") return to_number(name, value, given);
  if (name == "round") return rounded(value, given);
  if (name == "abs")
    return value.as<double>() != nullptr ? Value(std::fabs(*value.as<double>()))
                                         : Value(std::abs(std::max(whole_number(value), -INT64_MAX)));
  for (const char* known : {"list", "reverse", "unique", "first", "last", "min", "max"}) {
    if (name == known) return of_items(name, value);
  }
  // These are Python's methods of strings under another name.
  for (const auto& [filter, its] : {std::pair{"trim", "strip"},
                                    {"lower", "lower"},
                                    {"upper", "upper"},
                                    {"title", "title"},
                                    {"capitalize", "capitalize"},
                                    {"replace", "replace"}}) {
    if (name != filter) continue;
    // As jinja2 does, of a value that is no text its text is taken.
    return evaluator.call(method(to_text(value), its), std::move(given));
  }
  throw Fault{"the filter '" + name + "' is beyond the subset"};
}

bool tested(const std::string& name, const Value& value, const Arguments& given) {
  const auto other = [&]() -> const Value& {
    // Called by select with the value itself first.
    if (given.positional.empty()) throw Fault{"the test '" + name + "' needs a value"};
    return given.positional.back();
  };
  const bool text = value.as<Text>() != nullptr;
  if (name == "defined") return !value.is_undefined();
  if (name == "undefined") return value.is_undefined();
  if (name == "none") return value.is_none();
  if (name == "string") return text;
  if (name == "mapping") return value.as<Dict>() != nullptr && (*value.as<Dict>())->kind == DictData::Kind::plain;
  if (name == "iterable" || name == "sequence")
    return text || value.as<List>() != nullptr || value.as<Dict>() != nullptr || value.is_undefined();
  if (name == "boolean") return value.as<bool>() != nullptr;
  if (name == "integer") return value.as<std::int64_t>() != nullptr;
  if (name == "float") return value.as<double>() != nullptr;
  if (name == "number")
    return value.as<std::int64_t>() != nullptr || value.as<double>() != nullptr || value.as<bool>() != nullptr;
  if (name == "true" || name == "false") return value.as<bool>() != nullptr && *value.as<bool>() == (name == "true");
  if (name == "callable") return value.as<Function>() != nullptr;
  if (name == "odd" || name == "even") return (whole_number(value) % 2 != 0) == (name == "odd");
  if (name == "divisibleby") {
    if (whole_number(other()) == 0) throw Fault{"division by zero"};
    return whole_number(other()) == -1 || whole_number(value) % whole_number(other()) == 0;
  }
  if (name == "eq" || name == "equalto" || name == "sameas") return equal(value, other());
  if (name == "ne") return !equal(value, other());
  if (name == "lt" || name == "lessthan") return less(value, other());
  if (name == "gt" || name == "greaterthan") return less(other(), value);
  if (name == "le") return !less(other(), value);
  if (name == "ge") return !less(value, other());
  if (name == "in") return contains(other(), value);
  throw Fault{"the test '" + name + "' is beyond the subset"};
}

void add_globals(Scope& scope) {
  const auto add = [&](const char* name, std::function<Value(Evaluator&, Arguments&)> call) {
    scope.names[name] = std::make_shared<FunctionData>(FunctionData{name, std::move(call)});
  };
  const auto dict_of = [](const Arguments& given, DictData::Kind kind) -> Value {
    auto made = std::make_shared<DictData>();
    if (!given.positional.empty() && given.positional[0].as<Dict>() != nullptr)
      made->items = (*given.positional[0].as<Dict>())->items;
    made->kind = kind;
    for (const auto& [name, value] : given.named) made->set(Text(name), value);
    return made;
  };
  add("range", [](Evaluator&, Arguments& given) { return range_of(given); });
  add("namespace", [dict_of](Evaluator&, Arguments& given) { return dict_of(given, DictData::Kind::namespace_); });
  add("dict", [dict_of](Evaluator&, Arguments& given) { return dict_of(given, DictData::Kind::plain); });
  add("raise_exception", [](Evaluator&, Arguments& given) -> Value {
    throw Fault{"the template refuses this: " + (given.positional.empty() ? "" : to_text(given.positional[0]).bytes())};
  });
  add("strftime_now", [](Evaluator& evaluator, Arguments& given) -> Value {
    const Value* format = argument(given, 0, "format");
    if (format == nullptr) throw Fault{"strftime_now needs a format"};
    return formatted_time(evaluator.now(), text_of(*format, "strftime_now").bytes());
  });
}

}  // namespace retort::jinja
