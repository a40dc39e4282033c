// Numbers that nobody can hold, in fields that nobody reads, do not cost an answer; where they are read, they are
// nothing, and never wrap.
#include "core/base/json.h"
#include "tests/catch.h"

using namespace retort;

TEST_CASE("a number beyond a double reads as null in a reply, and is refused elsewhere") {
  for (const char* number : {"1e999999", "-1E+400", "1.5e309", "123456789e999"}) {
    CAPTURE(number);
    const std::string text = std::string(R"({"a":[1,)") + number + R"(],"b":"1e999999","c":2})";
    CHECK_FALSE(parse_json(text).has_value());
    const auto reply = parse_reply_json(text);
    REQUIRE_OK(reply);
    CHECK(*reply == Json({{"a", {1, nullptr}}, {"b", "1e999999"}, {"c", 2}}));
    CHECK_FALSE(json_count(json_child(*reply, "a"), "x").has_value());
  }
  CHECK(*parse_reply_json("[1e-999999, 1e308, -0, 0.5]") == Json::parse("[0.0, 1e308, 0, 0.5]"));
  CHECK(*parse_reply_json(R"(["\"1e999", 1e999])") == Json({"\"1e999", nullptr}));
}

TEST_CASE("what is no JSON stays none, with or without such a number") {
  for (const char* text : {"[1e999", "[01e999]", "[1e999e9]", "[.1e999]", "[1.e999]", "[--1e999]", "[1e999] junk",
                           "[1e999, \"\xff\"]", "[1e999, \"", "1e999 1e999", "[1e999,]", "[1e999, +1]"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_reply_json(text).has_value());
  }
  CHECK_FALSE(parse_reply_json(std::string(200, '[') + "1e999" + std::string(200, ']')).has_value());
}

TEST_CASE("a whole number beyond 64 bits is no count") {
  const auto reply = parse_reply_json(
      R"({"a":170141183460469231731687303715884105727,"b":18446744073709551615,"c":-9223372036854775809,"d":7,"e":7.0})");
  REQUIRE_OK(reply);
  for (const char* key : {"a", "b", "c", "e"}) CHECK_FALSE(json_count(*reply, key).has_value());
  CHECK(json_count(*reply, "d") == 7);
}
