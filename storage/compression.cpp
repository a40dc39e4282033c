#include "storage/compression.h"

#include <zstd.h>

namespace retort {
namespace {

// Level 3 is zstd's default: on answers of some KB, higher levels gain a few percent and cost several times the time.
constexpr int kLevel = 3;

}  // namespace

Compressor::Compressor() : context_(ZSTD_createCCtx()) { RETORT_ASSERT(context_); }
Compressor::~Compressor() { ZSTD_freeCCtx(context_); }

std::string Compressor::compress(std::string_view bytes) {
  std::string frame(ZSTD_compressBound(bytes.size()), '\0');
  const std::size_t size = ZSTD_compressCCtx(context_, frame.data(), frame.size(), bytes.data(), bytes.size(), kLevel);
  RETORT_ASSERT(!ZSTD_isError(size));
  frame.resize(size);
  return frame;
}

Result<std::string> decompress(std::string_view frame, std::size_t bytes_max) {
  const unsigned long long stated = ZSTD_getFrameContentSize(frame.data(), frame.size());
  if (stated == ZSTD_CONTENTSIZE_ERROR) return fail(Errc::corpus, "raw body: not a zstd frame");
  if (stated == ZSTD_CONTENTSIZE_UNKNOWN) return fail(Errc::corpus, "raw body: the zstd frame does not state its size");
  if (stated > bytes_max) {
    return fail(Errc::corpus, "raw body: the zstd frame states " + std::to_string(stated) + " bytes, more than " +
                                  std::to_string(bytes_max));
  }
  std::string bytes(static_cast<std::size_t>(stated), '\0');
  const std::size_t size = ZSTD_decompress(bytes.data(), bytes.size(), frame.data(), frame.size());
  if (ZSTD_isError(size))
    return fail(Errc::corpus, std::string("raw body: damaged zstd frame: ") + ZSTD_getErrorName(size));
  if (size != bytes.size()) return fail(Errc::corpus, "raw body: the zstd frame is shorter than it states");
  return bytes;
}

}  // namespace retort
