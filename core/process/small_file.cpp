#include "core/process/small_file.h"

#include <cerrno>
#include <cstring>
#include <fstream>

namespace retort {

Result<std::string> read_small_file(const std::string& path) {
  constexpr std::size_t kBytesMax = 16 << 20;
  std::ifstream file(path, std::ios::binary);
  if (!file) return fail(Errc::usage, "cannot read " + path + ": " + std::strerror(errno));
  std::string text(kBytesMax + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (file.bad() || (file.gcount() == 0 && !file.eof())) return fail(Errc::usage, "cannot read " + path);
  text.resize(static_cast<std::size_t>(file.gcount()));
  if (text.size() > kBytesMax) return fail(Errc::usage, path + " is longer than 16 MiB");
  return text;
}

}  // namespace retort
