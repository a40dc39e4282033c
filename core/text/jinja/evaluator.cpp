#include "core/text/jinja/evaluator.h"

namespace retort::jinja {

class Deeper {
 public:
  explicit Deeper(Evaluator& evaluator) : evaluator_(evaluator) {
    if (++evaluator_.depth_ > evaluator_.limits_.depth * 8) throw Fault{"the template goes too deep", evaluator_.line_};
    if (++evaluator_.steps_ > evaluator_.limits_.steps) throw Fault{"the template takes too long", evaluator_.line_};
  }
  ~Deeper() { --evaluator_.depth_; }

 private:
  Evaluator& evaluator_;
};

namespace {

// Puts a value back when a scope of ours ends, by exception too.
template <class T>
class Restored {
 public:
  explicit Restored(T& place) : place_(place), value_(place) {}
  ~Restored() { place_ = value_; }

 private:
  T& place_;
  T value_;
};

}  // namespace

void Evaluator::charge(std::size_t bytes) {
  bytes_ += bytes;
  if (bytes > limits_.bytes || bytes_ > 16 * limits_.bytes) throw Fault{"the template writes too much", line_};
}

Text Evaluator::render(const Node& tree, ScopePtr globals) {
  Text out;
  out_ = &out;
  scope_ = std::make_shared<Scope>();
  scope_->parent = std::move(globals);
  try {
    run(tree);
  } catch (Fault& fault) {
    if (fault.line == 0) fault.line = line_;
    scope_.reset();
    throw;
  }
  scope_.reset();
  return out;
}

Text Evaluator::captured(const Node& body) {
  const Restored<Text*> restored(out_);
  Text made;
  out_ = &made;
  run(body);
  return made;
}

Evaluator::Flow Evaluator::run_body(const Node& node) {
  for (const NodePtr& kid : node.kids) {
    if (const Flow flow = run(*kid); flow != Flow::normal) return flow;
  }
  return Flow::normal;
}

Evaluator::Flow Evaluator::run(const Node& node) {
  const Deeper deeper(*this);
  line_ = node.line;
  switch (node.kind) {
    case Node::body:
      return run_body(node);
    case Node::data:
      charge(node.text.size());
      out_->append(Text(node.text));
      return Flow::normal;
    case Node::print: {
      const Text text = to_text(evaluate(*node.kids[0]));
      charge(text.size());
      out_->append(text);
      if (out_->size() > limits_.bytes) throw Fault{"the template writes too much", line_};
      return Flow::normal;
    }
    case Node::if_:
      if (truthy(evaluate(*node.kids[0]))) return run(*node.kids[1]);
      return node.other.empty() ? Flow::normal : run(*node.other[0]);
    case Node::for_:
      return run_for(node);
    case Node::set:
      return run_set(node), Flow::normal;
    case Node::set_block: {
      // A block has a scope of its own.
      Text text;
      {
        const Restored<ScopePtr> restored(scope_);
        auto inner = std::make_shared<Scope>();
        inner->parent = scope_;
        scope_ = std::move(inner);
        text = captured(*node.kids[0]);
      }
      scope_->names[node.names[0]] = std::move(text);
      return Flow::normal;
    }
    case Node::macro:
      scope_->names[node.text] = macro(node, node.text);
      return Flow::normal;
    case Node::call_block: {
      Arguments given = arguments(*node.kids[0]);
      Node const& body = node;
      given.named.emplace_back("caller", macro(body, "caller"));
      const Text text = to_text(call(evaluate(*node.kids[0]->kids[0]), std::move(given)));
      charge(text.size());
      out_->append(text);
      return Flow::normal;
    }
    case Node::generation: {
      Text text = captured(*node.kids[0]);
      text.add_marks(kGeneration);
      out_->append(text);
      return Flow::normal;
    }
    case Node::break_:
      return Flow::broken;
    case Node::continue_:
      return Flow::continued;
    default:
      throw Fault{"not a statement", node.line};
  }
}

void Evaluator::assign(const std::vector<std::string>& names, Value value) {
  if (names.size() == 1) {
    scope_->names[names[0]] = std::move(value);
    return;
  }
  const auto parts = elements(value);
  if (parts.size() != names.size()) throw Fault{"as many values as names were expected"};
  for (std::size_t i = 0; i < names.size(); ++i) scope_->names[names[i]] = parts[i];
}

void Evaluator::run_set(const Node& node) {
  Value value = evaluate(*node.kids[0]);
  if (node.text.empty()) return assign(node.names, std::move(value));
  const Value space = name(node.text);
  const auto* dict = space.as<Dict>();
  if (dict == nullptr || (*dict)->kind != DictData::Kind::namespace_)
    throw Fault{"'" + node.text + "' is no namespace, so nothing in it can be set"};
  (*dict)->set(node.names[0], std::move(value));
}

Evaluator::Flow Evaluator::run_for(const Node& node) {
  std::vector<Value> items = elements(evaluate(*node.kids[0]));
  const Restored<ScopePtr> restored(scope_);
  const ScopePtr outer = scope_;
  const auto fresh = [&] {
    scope_ = std::make_shared<Scope>();
    scope_->parent = outer;
  };
  if (node.kids[2] != nullptr) {
    std::vector<Value> kept;
    for (Value& item : items) {
      fresh();
      assign(node.names, item);
      if (truthy(evaluate(*node.kids[2]))) kept.push_back(std::move(item));
    }
    items = std::move(kept);
  }
  const auto count = static_cast<std::int64_t>(items.size());
  for (std::int64_t i = 0; i < count; ++i) {
    fresh();
    assign(node.names, items[static_cast<std::size_t>(i)]);
    auto loop = std::make_shared<DictData>();
    loop->kind = DictData::Kind::loop;
    loop->items = {{"index", i + 1},           {"index0", i},
                   {"first", i == 0},          {"last", i + 1 == count},
                   {"revindex", count - i},    {"revindex0", count - i - 1},
                   {"length", count},          {"depth", std::int64_t{1}},
                   {"depth0", std::int64_t{0}}};
    if (i > 0) loop->items.emplace_back("previtem", items[static_cast<std::size_t>(i - 1)]);
    if (i + 1 < count) loop->items.emplace_back("nextitem", items[static_cast<std::size_t>(i + 1)]);
    scope_->names["loop"] = loop;
    if (run(*node.kids[1]) == Flow::broken) break;
  }
  if (count == 0 && !node.other.empty()) {
    fresh();
    return run(*node.other[0]);
  }
  return Flow::normal;
}

Value Evaluator::macro(const Node& node, std::string its_name) {
  // The tree outlives every value made while it is walked. A macro must not own the scope it stands in: it would own
  // itself.
  const std::weak_ptr<Scope> weak = scope_;
  const Node* definition = &node;
  const auto body = [definition]() -> const Node& { return *definition->kids.back(); };
  return std::make_shared<FunctionData>(FunctionData{
      its_name, [weak, definition, body, its_name](Evaluator& evaluator, Arguments& given) -> Value {
        const ScopePtr home = weak.lock();
        if (home == nullptr) throw Fault{"the macro '" + its_name + "' outlived its scope"};
        const Restored<ScopePtr> restored(evaluator.scope_);
        auto inner = std::make_shared<Scope>();
        inner->parent = home;
        evaluator.scope_ = inner;
        for (std::size_t i = 0; i < definition->names.size(); ++i) {
          const std::string& parameter = definition->names[i];
          if (const Value* value = argument(given, i, parameter)) {
            inner->names[parameter] = *value;
          } else if (definition->other[i] != nullptr) {
            inner->names[parameter] = evaluator.evaluate(*definition->other[i]);
          } else {
            inner->names[parameter] = Undefined{parameter};
          }
        }
        if (const Value* caller = argument(given, definition->names.size() + given.positional.size(), "caller"))
          inner->names["caller"] = *caller;
        if (given.positional.size() > definition->names.size())
          throw Fault{"the macro '" + its_name + "' takes fewer arguments"};
        return evaluator.captured(body());
      }});
}

Value Evaluator::name(const std::string& wanted) {
  for (const Scope* scope = scope_.get(); scope != nullptr; scope = scope->parent.get()) {
    if (const auto found = scope->names.find(wanted); found != scope->names.end()) return found->second;
  }
  return Undefined{wanted};
}

Value Evaluator::evaluate(const Node& node) {
  const Deeper deeper(*this);
  line_ = node.line;
  switch (node.kind) {
    case Node::constant:
      return node.value;
    case Node::name:
      return name(node.text);
    case Node::list:
    case Node::tuple: {
      std::vector<Value> items;
      for (const NodePtr& kid : node.kids) items.push_back(evaluate(*kid));
      return make_list(std::move(items), node.kind == Node::tuple);
    }
    case Node::dict: {
      auto made = std::make_shared<DictData>();
      for (std::size_t i = 0; i + 1 < node.kids.size(); i += 2)
        made->set(text_of(evaluate(*node.kids[i]), "a key of a dict"), evaluate(*node.kids[i + 1]));
      return made;
    }
    case Node::attribute:
      return attribute(evaluate(*node.kids[0]), node.text);
    case Node::item: {
      const Value of = evaluate(*node.kids[0]);
      return item(of, evaluate(*node.kids[1]));
    }
    case Node::slice:
      return slice(node);
    case Node::call:
      return call(node);
    case Node::filter: {
      const Value value = evaluate(*node.kids[0]);
      Arguments given = arguments(node);
      return filtered(*this, node.text, value, given);
    }
    case Node::test: {
      const Value value = evaluate(*node.kids[0]);
      return tested(node.text, value, arguments(node));
    }
    case Node::negative:
      return arithmetic("-", std::int64_t{0}, evaluate(*node.kids[0]));
    case Node::not_:
      return !truthy(evaluate(*node.kids[0]));
    case Node::and_: {
      Value left = evaluate(*node.kids[0]);
      return truthy(left) ? evaluate(*node.kids[1]) : left;
    }
    case Node::or_: {
      Value left = evaluate(*node.kids[0]);
      return truthy(left) ? left : evaluate(*node.kids[1]);
    }
    case Node::binary:
      return binary(node);
    case Node::compare:
      return compare(node);
    case Node::choice:
      if (truthy(evaluate(*node.kids[1]))) return evaluate(*node.kids[0]);
      return node.other.empty() ? Value(Undefined{}) : evaluate(*node.other[0]);
    default:
      throw Fault{"not an expression", node.line};
  }
}

Arguments Evaluator::arguments(const Node& node) {
  Arguments given;
  for (std::size_t i = 1; i < node.kids.size(); ++i) given.positional.push_back(evaluate(*node.kids[i]));
  for (const auto& [its_name, value] : node.named) given.named.emplace_back(its_name, evaluate(*value));
  return given;
}

Value Evaluator::call(const Node& node) {
  const Value callee = evaluate(*node.kids[0]);
  if (callee.is_undefined()) {
    const std::string& called = node.kids[0]->text;
    throw Fault{"'" + called + "' is called, but there is no such function in the subset", node.line};
  }
  return call(callee, arguments(node));
}

Value Evaluator::call(const Value& callee, Arguments given) {
  const Deeper deeper(*this);
  const auto* function = callee.as<Function>();
  if (function == nullptr) throw Fault{type_name(callee) + " cannot be called"};
  return (*function)->call(*this, given);
}

}  // namespace retort::jinja
