// `json-schema`: an answer that is JSON of the shape asked for.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "core/base/result.h"
#include "core/grade/grader.h"

namespace retort {

/// Right if the answer is one JSON document (alone, or the last fenced block of it) that the JSON Schema (drafts 4 to
/// 7) accepts; where the row has a reference that is JSON, the documents must be equal too. An empty schema means that
/// the reference is the schema. References to other documents are not followed. Errc::usage for a schema that is none.
Result<std::unique_ptr<Grader>> json_schema_grader(std::string_view schema);

/// The last fenced block of `text`, or all of it, without white space around it.
std::string_view json_part(std::string_view text);

}  // namespace retort
