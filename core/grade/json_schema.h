// Is this text JSON of a schema? Asked of answers that a program is to read (valijson does the work).
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "core/base/result.h"

namespace retort {

/// A JSON Schema, up to draft 7. Immutable: may be used from several threads.
class JsonSchema {
 public:
  /// Errc::usage if the text is no JSON, or no schema: a reference to another document is one it cannot follow.
  static Result<JsonSchema> parse(std::string_view text);

  /// Why the text is not JSON of this schema, as one line; empty if it is. Only white space may stand around the JSON.
  std::string problem_with(std::string_view text) const;

 private:
  struct Parsed;
  explicit JsonSchema(std::shared_ptr<const Parsed> parsed) : parsed_(std::move(parsed)) {}
  std::shared_ptr<const Parsed> parsed_;
};

}  // namespace retort
