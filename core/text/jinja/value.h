// What a template computes with: Python's values as far as chat templates use them.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "core/base/json.h"
#include "core/text/jinja/text.h"

namespace retort::jinja {

/// Thrown inside core/text/jinja only; ends in Template.
struct Fault {
  std::string message;
  int line = 0;
};

struct Value;
class Evaluator;

struct Undefined {
  std::string name;
};
struct None {};
struct ListData {
  std::vector<Value> items;
  bool tuple = false;
};
struct DictData;
struct Arguments {
  std::vector<Value> positional;
  std::vector<std::pair<std::string, Value>> named;
};
struct FunctionData {
  std::string name;
  std::function<Value(Evaluator&, Arguments&)> call;
};
using List = std::shared_ptr<ListData>;
using Dict = std::shared_ptr<DictData>;
using Function = std::shared_ptr<FunctionData>;

struct Value : std::variant<Undefined, None, bool, std::int64_t, double, Text, List, Dict, Function> {
  using variant::variant;
  template <class T>
  const T* as() const {
    return std::get_if<T>(static_cast<const variant*>(this));
  }
  bool is_undefined() const { return as<Undefined>() != nullptr; }
  bool is_none() const { return as<None>() != nullptr; }
};

struct DictData {
  std::vector<std::pair<Text, Value>> items;  // in order; keys are texts
  enum class Kind { plain, namespace_, loop } kind = Kind::plain;
  const Value* find(std::string_view key) const;
  void set(const Text& key, Value value);
};

Value make_list(std::vector<Value> items, bool tuple = false);
Value make_dict();
/// All texts in it get the marks.
Value from_json(const Json& json, std::uint8_t marks);

bool truthy(const Value& value);
bool equal(const Value& a, const Value& b);
/// Of numbers or texts or lists; throws Fault for others.
bool less(const Value& a, const Value& b);
/// Python's str() and repr().
Text to_text(const Value& value);
Text to_repr(const Value& value);
/// json.dumps as transformers sets it; indent < 0 for one line. `bytes_max` bounds it.
Text to_json(const Value& value, int indent, bool sort_keys);
/// Python's name of the type, for messages.
std::string type_name(const Value& value);
/// What `for` goes through: items, keys of a dict, characters of a text. Throws Fault if there is nothing to.
std::vector<Value> elements(const Value& value);

/// By code points, as Python counts.
std::size_t characters(std::string_view text);
std::size_t byte_of_character(std::string_view text, std::size_t index);
std::string float_repr(double value);

}  // namespace retort::jinja
