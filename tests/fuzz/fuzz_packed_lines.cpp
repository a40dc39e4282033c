// Somebody's compressed file is lines, or an error that says why; and no small file takes much memory.
#include <algorithm>
#include <cstdint>
#include <cstring>

#include "core/base/assert.h"
#include "core/export/compression.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace retort;
  std::size_t at = 0;
  PackedLines lines([&](char* buffer, std::size_t room) -> Result<std::size_t> {
    const std::size_t n = std::min({room, size - at, std::size_t{100}});
    if (n > 0) std::memcpy(buffer, data + at, n);
    at += n;
    return n;
  });
  std::size_t read = 0;
  for (std::string line; read < std::size_t{1} << 22;) {
    const auto more = lines.next(line);
    if (!more) RETORT_ASSERT(!more.error().message.empty());
    if (!more || !*more) break;
    RETORT_ASSERT(line.find('\n') == std::string::npos);
    read += line.size() + 1;
  }
  return 0;
}
