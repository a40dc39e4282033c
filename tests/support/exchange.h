// Runs single exchanges over a Transport and collects what the port says about them.
#pragma once

#include <map>
#include <string>
#include <type_traits>

#include "core/base/clock.h"
#include "core/net/transport.h"

namespace retort {

struct Outcome {
  int heads = 0;
  int ends = 0;
  bool in_order = true;  ///< head, bytes, end
  HttpHead head;
  std::string body;
  ResponseEnd end;
};

/// Waits until `count` exchanges have ended or `patience` is over.
inline std::map<std::uint64_t, Outcome> collect(Transport& transport, std::size_t count, Duration patience = 30s) {
  const SystemClock clock;
  const Instant until = clock.now() + patience;
  std::map<std::uint64_t, Outcome> outcomes;
  for (std::size_t ended = 0; ended < count && clock.now() < until;) {
    for (NetEvent& event : transport.wait(until)) {
      if (auto* head = std::get_if<ResponseHead>(&event)) {
        Outcome& outcome = outcomes[head->id.value];
        outcome.in_order = outcome.in_order && outcome.heads++ == 0 && outcome.ends == 0;
        outcome.head = std::move(head->head);
      } else if (auto* bytes = std::get_if<ResponseBytes>(&event)) {
        Outcome& outcome = outcomes[bytes->id.value];
        outcome.in_order = outcome.in_order && outcome.heads == 1 && outcome.ends == 0;
        outcome.body += bytes->bytes;
      } else if (auto* end = std::get_if<ResponseEnd>(&event)) {
        Outcome& outcome = outcomes[end->id.value];
        outcome.in_order = outcome.in_order && outcome.ends++ == 0;
        outcome.end = std::move(*end);
        ++ended;
      }
    }
  }
  return outcomes;
}

inline Outcome exchange(Transport& transport, HttpRequest request) {
  static std::uint64_t next = 1'000'000;
  transport.submit({++next}, std::move(request));
  return collect(transport, 1)[next];
}

}  // namespace retort
