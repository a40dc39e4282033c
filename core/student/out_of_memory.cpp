#include "core/student/out_of_memory.h"

#include <cstdio>
#include <new>
#include <string_view>

namespace retort {

bool is_out_of_memory(const std::exception& error) {
  if (dynamic_cast<const std::bad_alloc*>(&error) != nullptr) return true;
  const std::string_view what = error.what();
  for (const char* sign : {"allocate memory", "out of memory", "not enough memory"}) {
    if (what.find(sign) != std::string_view::npos) return true;
  }
  return false;
}

std::string out_of_memory(std::int64_t state_bytes) {
  std::string needed;
  if (state_bytes > 0) {
    char text[96];
    std::snprintf(text, sizeof text, " (weights, gradients and moments alone take %.1f GB)",
                  static_cast<double>(state_bytes) / 1e9);
    needed = text;
  }
  return "not enough memory" + needed +
         ": lower --batch-size (of generate and eval too), or for training raise --accumulate, add --recompute, "
         "shorten --context, or take --lora-rank or a smaller --student";
}

std::int64_t state_bytes(std::int64_t parameters, std::int64_t learned, bool adapters) {
  return 4 * parameters + (adapters ? 16 : 12) * learned;
}

}  // namespace retort
