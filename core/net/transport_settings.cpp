#include "core/net/transport_settings.h"

#include <sys/resource.h>

#include <algorithm>
#include <cstdint>

namespace retort {

int connections_allowed(int wanted) {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return std::max(wanted, 1);
  const auto all = static_cast<std::int64_t>(std::min<rlim_t>(limit.rlim_cur, 1 << 20));
  const std::int64_t reserve = std::min<std::int64_t>(64, all / 2);
  return static_cast<int>(std::clamp<std::int64_t>(wanted, 1, std::max<std::int64_t>(all - reserve, 1)));
}

}  // namespace retort
