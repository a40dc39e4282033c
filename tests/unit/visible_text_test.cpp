// What a terminal gets to see of text from outside.
#include "core/base/visible_text.h"

#include "core/base/json.h"
#include "core/base/text.h"
#include "tests/catch.h"

namespace retort {
namespace {

TEST_CASE("control characters become visible", "[visible_text]") {
  CHECK(visible_text("plain text, é 東京 👩‍👩‍👧") == "plain text, é 東京 👩‍👩‍👧");
  CHECK(visible_text("\x1b[31mred\x1b]0;title\x07") == "␛[31mred␛]0;title␇");
  CHECK(visible_text("one\r\ntwo\tthree") == "one␍\ntwo\tthree");
  CHECK(visible_text(std::string("a\0b\x7f", 4)) == "a␀b␡");
  CHECK(visible_text("\xc2\x9b"
                     "31m") == "\\u{9b}31m");  // C1: a terminal may take it for ESC [
  CHECK(visible_text("\xe2\x80\xae"
                     "abc") == "\\u{202e}abc");             // right-to-left override
  CHECK(visible_text("\xf3\xa0\x81\x81") == "\\u{e0041}");  // a tag character
  CHECK(visible_text("bad \xff\xfe bytes") == "bad \xef\xbf\xbd bytes");
}

TEST_CASE("one line stays one line", "[visible_text]") {
  CHECK(visible_line("one\n\x1b[2J two\t three") == "one [2J two three");
  CHECK(visible_line("\xe2\x80\xa8") == "\\u{2028}");
}

TEST_CASE("JSON keeps its value", "[visible_text]") {
  const Json value = {{"text", "\x1b \xc2\x9b \xe2\x80\xae \xf3\xa0\x81\x81 \x7f é"}};
  const std::string shown = visible_json(dump_json(value));
  CHECK(shown.find("\xc2\x9b") == std::string::npos);
  CHECK(shown.find('\x7f') == std::string::npos);
  CHECK(shown.find("\\u202e") != std::string::npos);
  CHECK(parse_json(shown).value() == value);
}

TEST_CASE("width in columns", "[visible_text]") {
  CHECK(display_width("") == 0);
  CHECK(display_width("abc") == 3);
  CHECK(display_width("é") == 1);
  CHECK(display_width("e\xcc\x81") == 1);
  CHECK(display_width("東京") == 4);
  CHECK(display_width("한국") == 4);
}

}  // namespace
}  // namespace retort
