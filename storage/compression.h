// Raw bodies are kept for good, so they are kept small: zstd frames, as any zstd tool reads them.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "core/base/result.h"

struct ZSTD_CCtx_s;

namespace retort {

/// Keeps its working memory from one call to the next. One thread at a time.
class Compressor {
 public:
  Compressor();
  ~Compressor();
  Compressor(const Compressor&) = delete;
  Compressor& operator=(const Compressor&) = delete;
  /// One frame that states its size.
  std::string compress(std::string_view bytes);

 private:
  ZSTD_CCtx_s* context_;
};

/// The bytes of frames made by Compressor. A frame that is damaged, does not state its size, or states more than
/// `bytes_max` is refused (Errc::corpus) before memory is taken for it.
Result<std::string> decompress(std::string_view frame, std::size_t bytes_max);

}  // namespace retort
