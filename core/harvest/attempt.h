// An attempt on its way through the harvest: on record, on the wire, ended and not yet on disk.
#pragma once

#include <optional>
#include <string>

#include "core/corpus/records.h"
#include "core/harvest/planner.h"
#include "core/harvest/rate_limiter.h"
#include "core/net/transport.h"

namespace retort {

/// On record as `unsent`, waiting for a permit.
struct Ready {
  RowId attempt = 0;
  Work work;
  Cost bound;  ///< reserved in the budget
};

/// Where a request went, of a teacher with several endpoints.
struct Place {
  std::size_t endpoint = 0;
  int in_flight = 0;  ///< there, itself included
};

/// On the wire.
struct Flight {
  RowId attempt;
  Work work;
  Permit permit;
  Cost bound;
  Instant sent;
  WallTime sent_wall;
  HttpHead head;
  std::string body;
  Duration first_token{};  ///< of a stream: until the first of its text
  Place place = {};
};

/// Most bodies come in one piece, which needs no copy.
inline void take_bytes(Flight& flight, std::string bytes) {
  if (flight.body.empty()) {
    flight.body = std::move(bytes);
  } else {
    flight.body += bytes;
  }
}

/// Ended, not yet durable. It keeps its permit: a slot is free again only when its answer is on disk, so that a crash
/// can never lose more answers than fit in flight, and a slow disk slows the sending.
struct Ending {
  std::vector<RowId> finished;   ///< requests that want nothing more
  std::optional<Permit> permit;  ///< none if it was never sent
  std::optional<Cost> actual;
  std::size_t bytes = 0;  ///< of the body, held until it is on disk
  /// With follow-ups: the question that was answered, and how; the answer's id comes with its durability.
  std::optional<Work> answered = {};
  KnownAnswer answer = {};
};

/// The wire's part of an attempt's end: status, times, the headers worth keeping and the raw body (which the flight
/// gives away), all free of the credential. The rest is for a verdict to say.
AttemptEnd record_exchange(Flight& flight, const ExchangeTiming& timing, const std::string& credential);

}  // namespace retort
