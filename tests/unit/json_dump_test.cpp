// Our writer of JSON says what the library's says, byte for byte: digests hang on it.
#include "core/base/json.h"
#include "core/base/random.h"
#include "tests/catch.h"

namespace retort {
namespace {

std::string any_text(Random& random) {
  static const char* const kPieces[] = {
      "plain words ", "\"",   "\\",           "/",        "\n\r\t\b\f",     "\x01\x1f\x7f",
      "ä漢🜁",         "\xff", "\xed\xa0\x80", "\xe2\x82", "\u2028<script>", "\xc0\x80"};
  std::string text;
  for (auto i = random.between(0, 6); i > 0; --i) text += kPieces[random.between(0, 11)];
  if (random.between(0, 9) == 0) text += '\0';
  return text;
}

Json any_json(Random& random, int depth) {
  switch (random.between(0, depth > 0 ? 8 : 6)) {
    case 0:
      return nullptr;
    case 1:
      return random.between(0, 1) == 1;
    case 2:
      return static_cast<std::int64_t>(random.next());
    case 3:
      return random.next();
    case 4:
      return static_cast<double>(random.between(-1000, 1000)) / 8 * (random.between(0, 1) == 1 ? 1e300 : 1);
    case 5:
    case 6:
      return any_text(random);
    case 7: {
      Json array = Json::array();
      for (auto i = random.between(0, 4); i > 0; --i) array.push_back(any_json(random, depth - 1));
      return array;
    }
    default: {
      Json object = Json::object();
      for (auto i = random.between(0, 4); i > 0; --i) object[any_text(random)] = any_json(random, depth - 1);
      return object;
    }
  }
}

}  // namespace

TEST_CASE("JSON is written as the library writes it", "[unit]") {
  Random random(20261122);
  for (int round = 0; round < 5000; ++round) {
    const Json value = any_json(random, 4);
    const std::string expected = value.dump(-1, ' ', false, Json::error_handler_t::replace);
    if (dump_json(value) != expected) FAIL(round << ": " << dump_json(value) << " instead of " << expected);
  }
  CHECK(dump_json(std::numeric_limits<double>::infinity()) == "null");
  CHECK(dump_json(Json::object()) == "{}");
}

}  // namespace retort
