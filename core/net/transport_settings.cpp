#include "core/net/transport_settings.h"

#include <sys/resource.h>

#include <algorithm>

namespace retort {

int claim_connections(int wanted) {
  // What else is open: the corpus with its log and lock, the pace, prompts, pipes, curl's own. The more connections,
  // the more of all that.
  constexpr rlim_t kReserveLeast = 24, kReserve = 64, kMost = 1 << 20;
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return std::max(wanted, 1);
  const rlim_t needed = std::min(static_cast<rlim_t>(std::max(wanted, 1)) + kReserve, kMost);
  if (limit.rlim_cur < needed) {
    rlimit more = limit;
    more.rlim_cur = std::min(needed, limit.rlim_max);
    if (setrlimit(RLIMIT_NOFILE, &more) == 0) limit = more;
  }
  const rlim_t all = std::min(limit.rlim_cur, kMost);
  const rlim_t reserve = std::clamp(all / 2, kReserveLeast, kReserve);
  const auto left = static_cast<int>(all > reserve ? all - reserve : 1);
  return std::clamp(wanted, 1, left);
}

}  // namespace retort
