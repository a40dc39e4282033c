#include "core/grade/json_schema_grader.h"

#include <valijson/adapters/nlohmann_json_adapter.hpp>
#include <valijson/schema.hpp>
#include <valijson/schema_parser.hpp>
#include <valijson/validator.hpp>

#include "core/base/hash.h"
#include "core/base/json.h"
#include "core/base/text.h"

namespace retort {
namespace {

using Schema = valijson::Schema;

Result<std::shared_ptr<const Schema>> compiled(std::string_view text) {
  const auto json = parse_json(text);
  if (!json) return fail(Errc::usage, "the schema is no JSON: " + json.error().message);
  if (!json->is_object()) return fail(Errc::usage, "the schema is no JSON object");
  auto schema = std::make_shared<Schema>();
  try {
    valijson::SchemaParser parser;
    parser.populateSchema(valijson::adapters::NlohmannJsonAdapter(*json), *schema);
  } catch (const std::exception& problem) {
    return fail(Errc::usage, "the schema cannot be used: " + shortened(on_one_line(problem.what()), 200));
  }
  return std::shared_ptr<const Schema>(std::move(schema));
}

Grade wrong(std::string why) { return {Grade::Kind::wrong, 0, std::move(why), {}}; }
Grade ungradable(std::string why) { return {Grade::Kind::ungradable, 0, std::move(why), {}}; }

Grade validated(const Schema& schema, std::string_view answer, std::string_view reference) {
  const std::string_view part = json_part(answer);
  const auto document = parse_json(part);
  if (!document) return wrong("the answer is no JSON: " + document.error().message);
  std::string problem;
  try {
    valijson::Validator validator(valijson::Validator::kStrongTypes);
    valijson::ValidationResults results;
    if (!validator.validate(schema, valijson::adapters::NlohmannJsonAdapter(*document), &results)) {
      valijson::ValidationResults::Error error;
      problem = "the answer is not of the shape asked for";
      if (results.popError(error)) {
        std::string path;
        for (const std::string& step : error.context) path += step;
        problem = path + ": " + error.description;
      }
    }
  } catch (const std::exception& failure) {
    return ungradable("the schema cannot be applied: " + shortened(on_one_line(failure.what()), 200));
  }
  if (!problem.empty()) return wrong(shortened(on_one_line(problem), 200));
  if (!trimmed(reference).empty()) {
    const auto wanted = parse_json(json_part(reference));
    if (!wanted) return ungradable("the reference is no JSON: " + wanted.error().message);
    if (canonical_json(*wanted) != canonical_json(*document))
      return wrong("it is of the shape asked for, but not the reference");
  }
  return {Grade::Kind::right, 1, "it is of the shape asked for", std::string(part)};
}

class JsonSchemaGrader final : public PureGrader {
 public:
  JsonSchemaGrader(std::string text, std::shared_ptr<const Schema> schema)
      : text_(std::move(text)), schema_(std::move(schema)) {}

  Grade grade(const GradeInput& input) const override {
    if (schema_) return validated(*schema_, input.answer, input.reference);
    if (trimmed(input.reference).empty())
      return ungradable("there is no schema: neither in the grader nor as reference");
    const auto own = compiled(input.reference);
    return own ? validated(**own, input.answer, "") : ungradable(own.error().message);
  }
  std::string digest() const override { return "json-schema/1/" + sha256_hex(text_); }

 private:
  std::string text_;
  std::shared_ptr<const Schema> schema_;  ///< null if each row brings its own
};

}  // namespace

std::string_view json_part(std::string_view text) {
  constexpr std::string_view kFence = "```";
  const std::size_t close = text.rfind(kFence);
  const std::size_t open = close == std::string_view::npos || close == 0 ? close : text.rfind(kFence, close - 1);
  if (close == std::string_view::npos || open == std::string_view::npos || open >= close) return trimmed(text);
  const std::size_t line = text.find('\n', open);
  if (line == std::string_view::npos || line > close) return trimmed(text);
  return trimmed(text.substr(line, close - line));
}

Result<std::unique_ptr<Grader>> json_schema_grader(std::string_view schema) {
  if (trimmed(schema).empty()) return std::unique_ptr<Grader>(std::make_unique<JsonSchemaGrader>("", nullptr));
  auto made = compiled(schema);
  if (!made) return fail(made.error());
  return std::unique_ptr<Grader>(std::make_unique<JsonSchemaGrader>(std::string(schema), std::move(*made)));
}

}  // namespace retort
