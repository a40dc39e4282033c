// What a response's headers say about the teacher's limits. Providers spell it in a dozen ways; this is one word for
// it.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "core/base/instant.h"
#include "core/harvest/pace.h"
#include "core/net/transport.h"

namespace retort {

struct RateSignals {
  std::optional<Duration> retry_after;  ///< how long to be silent, from the header that has precedence
  std::optional<Duration> reset;        ///< the longest reset among the limits that are used up
  std::vector<Announcement> announced;  ///< one for each meter that a header speaks of
};

/// Precedence: retry-after-ms, retry-after in seconds, retry-after as an HTTP date (against `wall`). Negative,
/// unreadable and past values count as absent.
RateSignals read_rate_signals(const HttpHead& head, WallTime wall);

/// "6m0s", "1s", "12ms", "2m59.56s", "17" (seconds). Nothing if it is none of these.
std::optional<Duration> parse_reset(std::string_view text);

/// "Sun, 06 Nov 1994 08:49:37 GMT". Nothing if it is not.
std::optional<WallTime> parse_http_date(std::string_view text);

/// "2026-11-22T16:07:46Z" with an optional fraction and offset. Nothing if it is not.
std::optional<WallTime> parse_rfc3339(std::string_view text);

}  // namespace retort
