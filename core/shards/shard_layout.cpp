#include "core/shards/shard_layout.h"

#include <array>
#include <cerrno>
#include <cstring>

#include "core/base/assert.h"

namespace retort {
namespace {

constexpr std::size_t kHeaderNumbers = 256;  // of llm.c

void append_number(std::uint64_t value, std::size_t width, std::string& bytes) {
  for (std::size_t i = 0; i < width; ++i) bytes += static_cast<char>(value >> (8 * i) & 0xff);
}

Failure temporary_file_failed() {
  return fail(Errc::disk, std::string("cannot keep a temporary file: ") + std::strerror(errno) +
                              "; make room where TMPDIR or /tmp is");
}

// Hands on what was collected, once it is worth it.
Result<void> pass_on(std::string& bytes, const std::function<Result<void>(std::string_view)>& out,
                     std::size_t at_least) {
  if (bytes.size() < at_least) return {};
  auto done = out(bytes);
  bytes.clear();
  return done;
}

}  // namespace

bool is_shard_format(std::string_view name) { return name == "llmc" || name == "nanogpt" || name == "megatron"; }

ShardFormat shard_format_of(std::string_view name) {
  RETORT_ASSERT(is_shard_format(name));
  return name == "llmc" ? ShardFormat::llmc : name == "nanogpt" ? ShardFormat::nanogpt : ShardFormat::megatron;
}

std::size_t token_bytes(ShardFormat format, std::size_t vocabulary) {
  // Megatron itself changes over a little before it must.
  return vocabulary <= (format == ShardFormat::megatron ? 65499U : 65536U) ? 2 : 4;
}

Result<std::string> shard_header(ShardFormat format, std::size_t width, std::int64_t tokens) {
  if (format != ShardFormat::llmc) return std::string();
  if (tokens > INT32_MAX) {
    return fail(Errc::usage, "a shard of llm.c holds at most 2,147,483,647 tokens: say --shard-tokens 100000000");
  }
  std::string header;
  append_number(width == 2 ? 20240520 : 20240801, 4, header);
  append_number(width == 2 ? 1 : 7, 4, header);
  append_number(static_cast<std::uint64_t>(tokens), 4, header);
  header.resize(kHeaderNumbers * 4);
  return header;
}

void append_tokens(std::span<const TokenId> ids, std::size_t width, std::string& bytes) {
  for (const TokenId id : ids) append_number(static_cast<std::uint64_t>(id), width, bytes);
}

std::string nanogpt_meta(std::size_t vocabulary) {
  // Protocol 2: a dictionary, a text of 10 bytes, a number of 4 bytes; set it; stop.
  std::string pickle("\x80\x02}X\x0a\0\0\0vocab_sizeJ", 19);
  append_number(vocabulary, 4, pickle);
  return pickle + "s.";
}

Result<MegatronIndex> MegatronIndex::create() {
  std::FILE* lengths = std::tmpfile();
  if (lengths == nullptr) return temporary_file_failed();
  return MegatronIndex(lengths);
}

Result<void> MegatronIndex::add(std::size_t tokens) {
  if (tokens > INT32_MAX) return fail(Errc::usage, "a pair has more tokens than Megatron's index can say");
  std::string bytes;
  append_number(tokens, 4, bytes);
  if (std::fwrite(bytes.data(), 1, bytes.size(), lengths_.get()) != bytes.size()) return temporary_file_failed();
  ++sequences_;
  return {};
}

Result<void> MegatronIndex::write(std::size_t width, const std::function<Result<void>(std::string_view)>& out) {
  constexpr std::size_t kEnough = std::size_t{1} << 16;
  std::string bytes("MMIDIDX\0\0", 9);
  append_number(1, 8, bytes);                   // version
  append_number(width == 2 ? 8 : 4, 1, bytes);  // uint16, int32
  append_number(sequences_, 8, bytes);
  append_number(sequences_ + 1, 8, bytes);
  // The lengths, then where each begins.
  for (const bool begins : {false, true}) {
    if (std::fflush(lengths_.get()) != 0 || std::fseek(lengths_.get(), 0, SEEK_SET) != 0)
      return temporary_file_failed();
    std::uint64_t at = 0;
    for (std::uint64_t i = 0; i < sequences_; ++i) {
      std::array<unsigned char, 4> raw{};
      if (std::fread(raw.data(), 1, raw.size(), lengths_.get()) != raw.size()) return temporary_file_failed();
      const std::uint64_t length = raw[0] | raw[1] << 8 | raw[2] << 16 | std::uint64_t{raw[3]} << 24;
      append_number(begins ? at : length, begins ? 8 : 4, bytes);
      at += length * width;
      if (auto done = pass_on(bytes, out, kEnough); !done) return done;
    }
  }
  for (std::uint64_t i = 0; i <= sequences_; ++i) {  // where documents begin, and where the last ends
    append_number(i, 8, bytes);
    if (auto done = pass_on(bytes, out, kEnough); !done) return done;
  }
  return pass_on(bytes, out, 0);
}

}  // namespace retort
