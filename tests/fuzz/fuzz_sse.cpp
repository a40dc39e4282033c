// A stream in two portions, cut where its first byte says, gives the events of the whole, and no event holds a line
// feed that was no line's end.
#include <cstdint>
#include <string_view>

#include "core/base/assert.h"
#include "core/teacher/sse.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace retort;
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  SseParser at_once, in_parts;
  std::vector<SseEvent> whole, parts;
  at_once.feed(bytes, whole);
  const std::size_t portion = data[0] % 16 + 1;
  for (std::size_t at = 0; at < bytes.size(); at += portion) in_parts.feed(bytes.substr(at, portion), parts);
  RETORT_ASSERT(whole == parts);
  RETORT_ASSERT(at_once.rest() == in_parts.rest());
  std::size_t held = 0;
  for (const SseEvent& event : whole) {
    RETORT_ASSERT(event.data.find('\r') == std::string::npos && event.name.find('\n') == std::string::npos);
    held += event.name.size() + event.data.size();
  }
  RETORT_ASSERT(held <= bytes.size());
  return 0;
}
