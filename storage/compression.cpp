#include "storage/compression.h"

#include <zstd.h>

namespace retort {
namespace {

// On answers of some KB, level 2 makes frames as small as level 3, zstd's default, in two thirds of the time; higher
// levels gain a few percent and cost several times as much.
constexpr int kLevel = 2;

}  // namespace

Compressor::Compressor() : context_(ZSTD_createCCtx()) {
  RETORT_ASSERT(context_);
  RETORT_ASSERT(!ZSTD_isError(ZSTD_CCtx_setParameter(context_, ZSTD_c_compressionLevel, kLevel)));
  // Four bytes that tell a damaged frame from a sound one even where damage still decompresses.
  RETORT_ASSERT(!ZSTD_isError(ZSTD_CCtx_setParameter(context_, ZSTD_c_checksumFlag, 1)));
}
Compressor::~Compressor() { ZSTD_freeCCtx(context_); }

std::string Compressor::compress(std::string_view bytes) {
  std::string frame(ZSTD_compressBound(bytes.size()), '\0');
  const std::size_t size = ZSTD_compress2(context_, frame.data(), frame.size(), bytes.data(), bytes.size());
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
  // Making its working memory costs more than most bodies do.
  thread_local const std::unique_ptr<ZSTD_DCtx, decltype(&ZSTD_freeDCtx)> context(ZSTD_createDCtx(), ZSTD_freeDCtx);
  RETORT_ASSERT(context);
  const std::size_t size = ZSTD_decompressDCtx(context.get(), bytes.data(), bytes.size(), frame.data(), frame.size());
  if (ZSTD_isError(size))
    return fail(Errc::corpus, std::string("raw body: damaged zstd frame: ") + ZSTD_getErrorName(size));
  if (size != bytes.size()) return fail(Errc::corpus, "raw body: the zstd frame is shorter than it states");
  return bytes;
}

}  // namespace retort
