#include "core/export/compression.h"

#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "core/base/assert.h"

namespace retort {
namespace {

constexpr std::size_t kStep = std::size_t{1} << 16;

class PlainPacker final : public Packer {
 public:
  Result<void> write(std::string_view bytes, const BytesOut& out) override { return out(bytes); }
  Result<void> finish(const BytesOut&) override { return {}; }
};

class GzipPacker final : public Packer {
 public:
  GzipPacker() {
    // 15 bits of window and a header of gzip, in which zlib writes no time of its own.
    RETORT_ASSERT(deflateInit2(&stream_, Z_DEFAULT_COMPRESSION, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) == Z_OK);
  }
  ~GzipPacker() override { deflateEnd(&stream_); }
  GzipPacker(const GzipPacker&) = delete;
  GzipPacker& operator=(const GzipPacker&) = delete;

  Result<void> write(std::string_view bytes, const BytesOut& out) override {
    while (!bytes.empty()) {
      const std::string_view part = bytes.substr(0, kStep);
      bytes.remove_prefix(part.size());
      stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(part.data()));
      stream_.avail_in = static_cast<uInt>(part.size());
      if (auto done = drain(Z_NO_FLUSH, out); !done) return done;
    }
    return {};
  }
  Result<void> finish(const BytesOut& out) override { return drain(Z_FINISH, out); }

 private:
  Result<void> drain(int flush, const BytesOut& out) {
    do {
      stream_.next_out = reinterpret_cast<Bytef*>(room_.data());
      stream_.avail_out = static_cast<uInt>(room_.size());
      RETORT_ASSERT(deflate(&stream_, flush) != Z_STREAM_ERROR);
      const std::size_t made = room_.size() - stream_.avail_out;
      if (made == 0) break;
      if (auto done = out({room_.data(), made}); !done) return done;
    } while (stream_.avail_out == 0);
    return {};
  }

  z_stream stream_{};
  std::array<char, kStep> room_;
};

class ZstdPacker final : public Packer {
 public:
  ZstdPacker() : context_(ZSTD_createCCtx()) {
    RETORT_ASSERT(context_ != nullptr);
    ZSTD_CCtx_setParameter(context_, ZSTD_c_checksumFlag, 1);
  }
  ~ZstdPacker() override { ZSTD_freeCCtx(context_); }
  ZstdPacker(const ZstdPacker&) = delete;
  ZstdPacker& operator=(const ZstdPacker&) = delete;

  Result<void> write(std::string_view bytes, const BytesOut& out) override { return run(bytes, ZSTD_e_continue, out); }
  Result<void> finish(const BytesOut& out) override { return run({}, ZSTD_e_end, out); }

 private:
  Result<void> run(std::string_view bytes, ZSTD_EndDirective end, const BytesOut& out) {
    ZSTD_inBuffer in{bytes.data(), bytes.size(), 0};
    for (bool more = true; more;) {
      ZSTD_outBuffer made{room_.data(), room_.size(), 0};
      const std::size_t left = ZSTD_compressStream2(context_, &made, &in, end);
      RETORT_ASSERT(ZSTD_isError(left) == 0);
      if (made.pos > 0) {
        if (auto done = out({room_.data(), made.pos}); !done) return done;
      }
      more = end == ZSTD_e_end ? left != 0 : in.pos < in.size;
    }
    return {};
  }

  ZSTD_CCtx* context_;
  std::array<char, kStep> room_;
};

}  // namespace

/// Bytes out of one of three kinds of file; a step at a time.
class Unpacker {
 public:
  explicit Unpacker(BytesIn in) : in_(std::move(in)) {}
  ~Unpacker() {
    if (kind_ == Compression::gzip) inflateEnd(&gzip_);
    ZSTD_freeDCtx(zstd_);
  }
  Unpacker(const Unpacker&) = delete;
  Unpacker& operator=(const Unpacker&) = delete;

  /// Appends some bytes; false at the end.
  Result<bool> step(std::string& out) {
    if (!known_) {
      if (auto told = tell(); !told) return fail(told.error());
    }
    switch (kind_) {
      case Compression::none:
        return plain(out);
      case Compression::gzip:
        return gzip(out);
      case Compression::zstd:
        return zstd(out);
    }
    return false;
  }

 private:
  // At least four bytes, if there are so many, say what it is.
  Result<void> tell() {
    known_ = true;
    while (size_ < 4) {
      auto got = in_(buffer_.data() + size_, buffer_.size() - size_);
      if (!got) return fail(got.error());
      if (*got == 0) break;
      size_ += *got;
    }
    const std::string_view first(buffer_.data(), size_);
    if (first.starts_with("\x1f\x8b")) {
      RETORT_ASSERT(inflateInit2(&gzip_, 15 + 16) == Z_OK);
      kind_ = Compression::gzip;
    } else if (first.starts_with("\x28\xb5\x2f\xfd")) {
      zstd_ = ZSTD_createDCtx();
      RETORT_ASSERT(zstd_ != nullptr);
      kind_ = Compression::zstd;
    }
    return {};
  }

  /// Whether there are bytes to work on.
  Result<bool> fill() {
    if (at_ < size_) return true;
    auto got = in_(buffer_.data(), buffer_.size());
    if (!got) return fail(got.error());
    at_ = 0;
    size_ = *got;
    return size_ > 0;
  }

  Result<bool> plain(std::string& out) {
    auto more = fill();
    if (!more || !*more) return more;
    out.append(buffer_.data() + at_, size_ - at_);
    at_ = size_;
    return true;
  }

  Result<bool> gzip(std::string& out) {
    auto more = fill();
    if (!more) return more;
    if (!*more && between_) return false;
    if (!*more) return fail(Errc::usage, "the gzip file ends in the middle: it was cut");
    if (between_) {  // another member; anything else after the last one is padding or damage
      inflateReset(&gzip_);
      between_ = false;
    }
    gzip_.next_in = reinterpret_cast<Bytef*>(buffer_.data() + at_);
    gzip_.avail_in = static_cast<uInt>(size_ - at_);
    gzip_.next_out = reinterpret_cast<Bytef*>(room_.data());
    gzip_.avail_out = static_cast<uInt>(room_.size());
    const int said = inflate(&gzip_, Z_NO_FLUSH);
    at_ = size_ - gzip_.avail_in;
    if (said != Z_OK && said != Z_STREAM_END && said != Z_BUF_ERROR)
      return fail(Errc::usage, "the gzip file is damaged");
    out.append(room_.data(), room_.size() - gzip_.avail_out);
    between_ = said == Z_STREAM_END;
    return true;
  }

  Result<bool> zstd(std::string& out) {
    auto more = fill();
    if (!more) return more;
    if (!*more && between_) return false;
    if (!*more) return fail(Errc::usage, "the zstd file ends in the middle: it was cut");
    ZSTD_inBuffer in{buffer_.data() + at_, size_ - at_, 0};
    ZSTD_outBuffer made{room_.data(), room_.size(), 0};
    const std::size_t said = ZSTD_decompressStream(zstd_, &made, &in);
    at_ += in.pos;
    if (ZSTD_isError(said) != 0) return fail(Errc::usage, "the zstd file is damaged");
    out.append(room_.data(), made.pos);
    between_ = said == 0;
    return true;
  }

  BytesIn in_;
  Compression kind_ = Compression::none;
  bool known_ = false, between_ = false;
  std::array<char, kStep> buffer_, room_;
  std::size_t at_ = 0, size_ = 0;
  z_stream gzip_{};
  ZSTD_DCtx* zstd_ = nullptr;
};

Result<Compression> compression_for(std::string_view word, std::string_view path) {
  if (word == "none") return Compression::none;
  if (word == "gzip") return Compression::gzip;
  if (word == "zstd") return Compression::zstd;
  if (word != "auto") return fail(Errc::usage, "--compress " + std::string(word) + ": choose none, gzip, zstd or auto");
  return path.ends_with(".gz") ? Compression::gzip : path.ends_with(".zst") ? Compression::zstd : Compression::none;
}

std::unique_ptr<Packer> make_packer(Compression compression) {
  if (compression == Compression::gzip) return std::make_unique<GzipPacker>();
  if (compression == Compression::zstd) return std::make_unique<ZstdPacker>();
  return std::make_unique<PlainPacker>();
}

PackedLines::PackedLines(BytesIn in) : unpacker_(std::make_unique<Unpacker>(std::move(in))) {}
PackedLines::~PackedLines() = default;

Result<bool> PackedLines::refill() {
  held_.erase(0, at_);
  at_ = 0;
  if (held_.size() > kLineBytesMax) return fail(Errc::usage, "a line is longer than 256 MiB");
  const std::size_t before = held_.size();
  while (held_.size() == before && !ended_) {
    auto more = unpacker_->step(held_);
    if (!more) return more;
    ended_ = !*more;
  }
  return held_.size() > before;
}

Result<bool> PackedLines::next(std::string& line) {
  std::size_t looked = at_;
  while (true) {
    const std::size_t end = held_.find('\n', looked);
    if (end != std::string::npos) {
      line.assign(held_, at_, end - at_);
      at_ = end + 1;
      return true;
    }
    const std::size_t waiting = held_.size() - at_;
    auto more = refill();
    if (!more) return more;
    looked = waiting;
    if (*more) continue;
    if (waiting == 0) return false;
    line = std::move(held_);
    held_.clear();
    at_ = 0;
    return true;
  }
}

}  // namespace retort
