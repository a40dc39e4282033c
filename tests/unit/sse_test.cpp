// The stream's parser against the standard's own rules, and against every way of cutting.
#include "core/teacher/sse.h"
#include "tests/catch.h"

using namespace retort;

namespace {

std::vector<SseEvent> parsed(std::string_view bytes, std::size_t portion = std::string::npos) {
  SseParser parser;
  std::vector<SseEvent> events;
  while (!bytes.empty()) {
    parser.feed(bytes.substr(0, portion), events);
    bytes.remove_prefix(std::min(portion, bytes.size()));
  }
  return events;
}

using Events = std::vector<SseEvent>;

}  // namespace

TEST_CASE("events are read as the standard reads them") {
  CHECK(parsed("data: a\n\n") == Events{{"", "a"}});
  CHECK(parsed("data:a\n\ndata:  b\n\n") == Events{{"", "a"}, {"", " b"}});  // one space belongs to the field
  CHECK(parsed("data: a\ndata\ndata: b\n\n") == Events{{"", "a\n\nb"}});
  CHECK(parsed("event: x\ndata: a\n\ndata: b\n\n") == Events{{"x", "a"}, {"", "b"}});
  CHECK(parsed(": keep-alive\n\nevent: only\n\nid: 7\nretry: 3\n\n").empty());
  CHECK(parsed("\xEF\xBB\xBF"
               "data: a\n\n") == Events{{"", "a"}});
  CHECK(parsed("data: a\r\n\r\ndata: b\r\rdata: c\n\n") == Events{{"", "a"}, {"", "b"}, {"", "c"}});
  CHECK(parsed("data: a").empty());
  CHECK(parsed("nonsense\nDATA: x\n\n").empty());
}

TEST_CASE("the last event may be asked for without its blank line") {
  SseParser parser;
  std::vector<SseEvent> events;
  parser.feed("data: a\n\ndata: b", events);
  CHECK(events == Events{{"", "a"}});
  CHECK(parser.rest() == SseEvent{"", "b"});
  CHECK_FALSE(parser.rest());
}

TEST_CASE("where a stream is cut changes nothing") {
  const std::string stream =
      "\xEF\xBB\xBF: hello\r\nevent: delta\r\ndata: {\"t\":\"\xC3\xA9\xE2\x82\xAC\"}\r\n\r\rdata: x\ndata: y\n\n\n"
      "data: \xF0\x9F\x98\x80\r\rdata: [DONE]\r\n\r\n";
  const Events whole = parsed(stream);
  REQUIRE(whole.size() == 4);
  for (std::size_t portion = 1; portion <= stream.size(); ++portion) CHECK(parsed(stream, portion) == whole);
  for (std::size_t first = 0; first <= stream.size(); ++first) {
    for (std::size_t second = first; second <= stream.size(); ++second) {
      SseParser parser;
      Events events;
      parser.feed(std::string_view(stream).substr(0, first), events);
      parser.feed(std::string_view(stream).substr(first, second - first), events);
      parser.feed(std::string_view(stream).substr(second), events);
      if (events != whole) FAIL("cut at " << first << " and " << second);
    }
  }
}
