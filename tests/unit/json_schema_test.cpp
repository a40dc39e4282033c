#include "core/grade/json_schema.h"

#include "tests/catch.h"

namespace retort {

TEST_CASE("an answer is held against a JSON schema", "[unit]") {
  const auto schema = JsonSchema::parse(R"({"type": "object", "required": ["sum"], "additionalProperties": false,
      "properties": {"sum": {"type": "integer", "minimum": 0}, "steps": {"type": "array", "items": {"type": "string"}}}})");
  REQUIRE(schema);
  CHECK(schema->problem_with(R"({"sum": 4})").empty());
  CHECK(schema->problem_with(" \n{\"sum\": 4, \"steps\": [\"2 + 2\"]}\n").empty());
  for (const char* wrong :
       {R"({"sum": "4"})", R"({"sum": -1})", R"({})", R"([1])", R"({"sum": 4, "more": 1})", R"({"sum": 4, "steps": [4]})"}) {
    INFO(wrong);
    CHECK_FALSE(schema->problem_with(wrong).empty());
  }
  CHECK(schema->problem_with("It is 4").find("not JSON") == 0);
  CHECK(schema->problem_with("```json\n{\"sum\": 4}\n```").find("not JSON") == 0);
  CHECK(schema->problem_with("{\"sum\": 4} as you see").find("not JSON") == 0);
  CHECK(schema->problem_with("").find("not JSON") == 0);
}

TEST_CASE("what is no schema is refused before anything is asked", "[unit]") {
  CHECK_FALSE(JsonSchema::parse("no"));
  CHECK_FALSE(JsonSchema::parse("[]"));
  CHECK_FALSE(JsonSchema::parse(R"({"type": 3})"));
  CHECK_FALSE(JsonSchema::parse(R"({"$ref": "https://example.org/schema.json"})"));
}

}  // namespace retort
