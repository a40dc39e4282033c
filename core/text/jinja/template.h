// A model's own chat template, in the subset of Jinja that docs/tokenizers.md lists, rendered as transformers renders
// it (jinja2's ImmutableSandboxedEnvironment with trim_blocks and lstrip_blocks). What is beyond the subset is refused
// with its line. Method: a tree that is walked, over texts that know where their bytes come from (text.h).
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "core/base/result.h"
#include "core/text/jinja/value.h"

namespace retort::jinja {

struct Node;

/// Copies share the tree. render() may be called from several threads.
class Template {
 public:
  /// Errc::usage with the line.
  static Result<Template> parse(std::string_view source);
  /// `now`: seconds since 1970, for strftime_now (in UTC). Errc::usage with the line: what the template refuses
  /// (raise_exception), what is beyond the subset, or what takes too long or too much room.
  Result<Text> render(const std::vector<std::pair<std::string, Value>>& values, std::int64_t now) const;

 private:
  std::shared_ptr<const Node> tree_;
};

}  // namespace retort::jinja
