// Server-sent events, as the WHATWG's HTML standard parses them (section 9.2.6): fed with bytes in any portions, so
// that how a network cuts a stream changes nothing, be it inside a UTF-8 character or between CR and LF.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace retort {

struct SseEvent {
  std::string name;  ///< of the `event` field; empty if there was none
  std::string data;  ///< `data` lines, joined by line feeds; bytes as they came
  friend bool operator==(const SseEvent&, const SseEvent&) = default;
};

/// Holds no more than the event that is under way. Total: every byte sequence is a stream of events.
class SseParser {
 public:
  /// Appends the events that these bytes complete. Comments, events without data, `id` and `retry` are passed over.
  void feed(std::string_view bytes, std::vector<SseEvent>& events);

  /// At the end of the stream: the event that was not closed by a blank line, its last line complete or not. The
  /// standard drops it; what it is worth is for its reader to say.
  std::optional<SseEvent> rest();

 private:
  void end_line(std::vector<SseEvent>& events);
  void take_field(std::string_view line);

  std::string line_;
  SseEvent event_;
  bool has_data_ = false;
  bool after_cr_ = false;
  bool at_start_ = true;
};

}  // namespace retort
