#include "core/teacher/sse.h"

#include <utility>

namespace retort {
namespace {
constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
}  // namespace

void SseParser::feed(std::string_view bytes, std::vector<SseEvent>& events) {
  if (after_cr_ && !bytes.empty()) {
    if (bytes.front() == '\n') bytes.remove_prefix(1);
    after_cr_ = false;
  }
  while (!bytes.empty()) {
    const std::size_t end = bytes.find_first_of("\r\n");
    line_ += bytes.substr(0, end);
    if (end == std::string_view::npos) return;
    const bool cr = bytes[end] == '\r';
    bytes.remove_prefix(end + 1);
    end_line(events);
    if (!cr) continue;
    if (bytes.empty()) {
      after_cr_ = true;
    } else if (bytes.front() == '\n') {
      bytes.remove_prefix(1);
    }
  }
}

std::optional<SseEvent> SseParser::rest() {
  if (!line_.empty()) take_field(std::exchange(line_, {}));
  if (!std::exchange(has_data_, false)) return {};
  return std::exchange(event_, {});
}

void SseParser::end_line(std::vector<SseEvent>& events) {
  const std::string line = std::exchange(line_, {});
  if (!line.empty()) return take_field(line);
  at_start_ = false;
  if (std::exchange(has_data_, false)) events.push_back(std::move(event_));
  event_ = {};
}

void SseParser::take_field(std::string_view line) {
  if (std::exchange(at_start_, false) && line.substr(0, kByteOrderMark.size()) == kByteOrderMark)
    line.remove_prefix(kByteOrderMark.size());
  const std::size_t colon = line.find(':');
  const std::string_view field = line.substr(0, colon);
  std::string_view value = colon == std::string_view::npos ? std::string_view() : line.substr(colon + 1);
  if (!value.empty() && value.front() == ' ') value.remove_prefix(1);
  if (field == "event") event_.name = value;
  if (field != "data") return;
  if (std::exchange(has_data_, true)) event_.data += '\n';
  event_.data += value;
}

}  // namespace retort
