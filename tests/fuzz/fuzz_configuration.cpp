// A configuration file is read or refused with a line that names the file.
#include <cstdint>
#include <string>

#include "cli/config.h"
#include "core/base/assert.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace retort;
  const auto configuration = parse_configuration(std::string(reinterpret_cast<const char*>(data), size), "retort.toml");
  if (!configuration) {
    RETORT_ASSERT(configuration.error().code == Errc::usage);
    RETORT_ASSERT(configuration.error().message.find("retort.toml") != std::string::npos);
    return 0;
  }
  for (const auto& [name, profile] : configuration->teachers) {
    RETORT_ASSERT(profile.limits.in_flight_max >= 1 && profile.limits.requests_per_minute >= 0);
    RETORT_ASSERT(profile.total_timeout > Duration::zero());
    RETORT_ASSERT(!profile.max_tokens || *profile.max_tokens >= 1);
  }
  return 0;
}
