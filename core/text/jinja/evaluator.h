// Walks a template's tree. Everything is bounded: steps, nesting, bytes written.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "core/text/jinja/syntax.h"

namespace retort::jinja {

struct Limits {
  std::int64_t steps = 20'000'000;
  int depth = 60;
  std::size_t bytes = 64U << 20;
};

struct Scope {
  std::map<std::string, Value, std::less<>> names;
  std::shared_ptr<Scope> parent;
};
using ScopePtr = std::shared_ptr<Scope>;

class Evaluator {
 public:
  Evaluator(Limits limits, std::int64_t now) : limits_(limits), now_(now) {}

  /// Throws Fault.
  Text render(const Node& tree, ScopePtr globals);

  Value call(const Value& callee, Arguments arguments);
  /// Bytes that some operation is about to make.
  void charge(std::size_t bytes);
  /// Seconds since 1970, for strftime_now.
  std::int64_t now() const { return now_; }

 private:
  friend class Deeper;
  enum class Flow { normal, broken, continued };
  Flow run(const Node& node);
  Flow run_for(const Node& node);
  Flow run_body(const Node& node);
  void run_set(const Node& node);
  Text captured(const Node& body);
  Value macro(const Node& node, std::string name);
  void assign(const std::vector<std::string>& names, Value value);

  Value evaluate(const Node& node);
  Value compare(const Node& node);
  Value binary(const Node& node);
  Value slice(const Node& node);
  Value call(const Node& node);
  Arguments arguments(const Node& node);
  Value name(const std::string& wanted);

  Limits limits_;
  std::int64_t now_;
  std::int64_t steps_ = 0;
  std::size_t bytes_ = 0;
  int depth_ = 0, line_ = 0;
  Text* out_ = nullptr;
  ScopePtr scope_;
};

/// operators.cpp: + - * / // % ** of two numbers, as Python has them. Throws Fault for a division by zero or an
/// overflow.
Value arithmetic(const std::string& sign, const Value& a, const Value& b);

// builtins.cpp and methods.cpp; each throws Fault for what is beyond the subset.
Value filtered(Evaluator& evaluator, const std::string& name, const Value& value, Arguments& arguments);
bool tested(const std::string& name, const Value& value, const Arguments& arguments);
/// `value.name`, `value[key]` as jinja2 looks them up; Undefined if there is none.
Value attribute(const Value& value, const std::string& name);
Value item(const Value& value, const Value& key);
/// A method of a text, dict or list, or Undefined.
Value method(const Value& value, const std::string& name);
bool contains(const Value& container, const Value& value);
void add_globals(Scope& scope);

/// The argument of that name or place, or nullptr.
const Value* argument(const Arguments& arguments, std::size_t place, std::string_view name = {});
std::int64_t whole_number(const Value& value);
const Text& text_of(const Value& value, const char* what);

}  // namespace retort::jinja
