// A template as a tree. lexer.cpp cuts the source with jinja2's white-space rules (trim_blocks, lstrip_blocks, as
// transformers sets them), parser.cpp makes the tree.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/text/jinja/value.h"

namespace retort::jinja {

struct Token {
  enum Kind { data, block_begin, block_end, variable_begin, variable_end, name, text, integer, real, sign, end } kind;
  std::string value;
  int line = 0;
};
/// Throws Fault.
std::vector<Token> tokens_of(std::string_view source);

struct Node;
using NodePtr = std::unique_ptr<Node>;
struct Node {
  enum Kind {
    // statements
    body,
    data,
    print,
    if_,
    for_,
    set,
    set_block,
    macro,
    call_block,
    filter_block,
    generation,
    break_,
    continue_,
    // expressions
    constant,
    name,
    list,
    tuple,
    dict,
    attribute,
    item,
    slice,
    call,
    filter,
    test,
    negative,
    not_,
    and_,
    or_,
    binary,
    compare,
    choice,
  };
  Kind kind;
  int line = 0;
  std::string text{};            // name, operator, data
  Value value{};                 // constant
  std::vector<NodePtr> kids{};   // what each kind has: see parser.cpp
  std::vector<NodePtr> other{};  // else branch; defaults
  std::vector<std::string> names{};
  std::vector<std::pair<std::string, NodePtr>> named{};
};

/// Throws Fault with the line.
std::shared_ptr<const Node> parse(std::string_view source);

}  // namespace retort::jinja
