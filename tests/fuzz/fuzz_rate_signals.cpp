// Headers from outside: whatever they claim, a wait is never negative and never wraps.
#include <cstdint>
#include <string>
#include <string_view>

#include "core/base/assert.h"
#include "core/harvest/rate_signals.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace retort;
  const std::string text(reinterpret_cast<const char*>(data), size);
  constexpr WallTime kWall{1'795'363'200'000};
  for (const char* name : {"retry-after", "retry-after-ms"}) {
    const RateSignals signals = read_rate_signals({429, {{name, text}}}, kWall);
    RETORT_ASSERT(!signals.retry_after || *signals.retry_after >= Duration::zero());
  }
  const RateSignals limits =
      read_rate_signals({200, {{"x-ratelimit-remaining-tokens", "0"}, {"x-ratelimit-reset-tokens", text}}}, kWall);
  RETORT_ASSERT(!limits.reset || (*limits.reset >= Duration::zero() && *limits.reset < std::chrono::hours(48)));
  const auto reset = parse_reset(text);
  RETORT_ASSERT(!reset || *reset >= Duration::zero());
  (void)parse_http_date(text);
  (void)parse_rfc3339(text);
  // A whole header block: names and values as they come.
  HttpHead head;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    const std::string line = text.substr(at, end - at);
    const std::size_t colon = line.find(':');
    if (colon != std::string::npos) head.headers.emplace_back(line.substr(0, colon), line.substr(colon + 1));
    at = end + 1;
  }
  (void)read_rate_signals(head, kWall);
  return 0;
}
