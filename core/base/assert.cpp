#include "core/base/assert.h"

#include <cstdio>
#include <cstdlib>

namespace retort {

void assertion_failed(const char* condition, const char* file, int line) {
  std::fprintf(stderr, "retort: internal error: '%s' does not hold at %s:%d. Please report this.\n", condition, file,
               line);
  std::abort();
}

}  // namespace retort
