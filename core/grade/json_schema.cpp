#include "core/grade/json_schema.h"

#include <exception>

#include "core/base/json.h"
#include "core/base/text.h"

// Without this it aborts where it would throw. And its headers are not written for our warnings.
#define VALIJSON_USE_EXCEPTIONS 1
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wshadow"
#pragma GCC diagnostic ignored "-Wpedantic"
#pragma GCC diagnostic ignored "-Wunused-parameter"
#include <valijson/adapters/nlohmann_json_adapter.hpp>
#include <valijson/schema.hpp>
#include <valijson/schema_parser.hpp>
#include <valijson/validation_results.hpp>
#include <valijson/validator.hpp>
#pragma GCC diagnostic pop

namespace retort {

struct JsonSchema::Parsed {
  valijson::Schema schema;
};

Result<JsonSchema> JsonSchema::parse(std::string_view text) {
  const Result<Json> document = parse_json(text);
  if (!document) return fail(Errc::usage, "the schema is not JSON: " + document.error().message);
  if (!document->is_object()) return fail(Errc::usage, "a JSON schema is an object");
  auto parsed = std::make_shared<Parsed>();
  try {
    valijson::SchemaParser parser;
    parser.populateSchema(valijson::adapters::NlohmannJsonAdapter(*document), parsed->schema);
  } catch (const std::exception& problem) {
    return fail(Errc::usage, "not a JSON schema that can be used: " + on_one_line(problem.what()));
  }
  return JsonSchema(std::move(parsed));
}

std::string JsonSchema::problem_with(std::string_view text) const {
  const Result<Json> document = parse_json(trimmed(text));
  if (!document) return "not JSON: " + on_one_line(document.error().message);
  try {
    valijson::Validator validator;
    valijson::ValidationResults results;
    if (validator.validate(parsed_->schema, valijson::adapters::NlohmannJsonAdapter(*document), &results)) return {};
    valijson::ValidationResults::Error innermost;
    // The first is the most particular one.
    if (!results.popError(innermost)) return "not of the schema";
    std::string place;
    for (const std::string& step : innermost.context) place += step;
    return shortened(on_one_line(to_valid_utf8(place + ": " + innermost.description)), 300);
  } catch (const std::exception& problem) {
    return "not of the schema: " + on_one_line(problem.what());
  }
}

}  // namespace retort
