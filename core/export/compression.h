// Exports are large and say the same words again and again: they go out as gzip or zstd, and come in again as whatever
// they are. Streaming, in bounded memory. The same bytes give the same file each time: no time, no name, one thread.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "core/base/result.h"

namespace retort {

enum class Compression { none, gzip, zstd };

/// "none", "gzip" or "zstd", or "auto": by the ending of `path`, .gz, .zst, or neither. Errc::usage else.
Result<Compression> compression_for(std::string_view word, std::string_view path);

using BytesOut = std::function<Result<void>(std::string_view)>;

class Packer {
 public:
  virtual ~Packer() = default;
  /// Gives to `out` what became of the bytes so far.
  virtual Result<void> write(std::string_view bytes, const BytesOut& out) = 0;
  /// The rest; nothing may be written after it.
  virtual Result<void> finish(const BytesOut& out) = 0;
};

std::unique_ptr<Packer> make_packer(Compression compression);

/// Bytes into a buffer; 0 at the end.
using BytesIn = std::function<Result<std::size_t>(char* buffer, std::size_t room)>;

class Unpacker;

/// The lines of a file that may be gzip (several members too) or zstd (several frames too): its first bytes tell.
class PackedLines {
 public:
  /// No line is longer: a small file of gzip can be gigabytes of one letter.
  static constexpr std::size_t kLineBytesMax = std::size_t{256} << 20;

  explicit PackedLines(BytesIn in);
  ~PackedLines();
  PackedLines(const PackedLines&) = delete;
  PackedLines& operator=(const PackedLines&) = delete;

  /// False at the end. The line comes without its line feed. Errc::usage if the file is damaged, ends in the middle, or
  /// a line is too long.
  Result<bool> next(std::string& line);

 private:
  Result<bool> refill();

  std::unique_ptr<Unpacker> unpacker_;
  std::string held_;  ///< unpacked, of which `at_` bytes are given out
  std::size_t at_ = 0;
  bool ended_ = false;
};

}  // namespace retort
