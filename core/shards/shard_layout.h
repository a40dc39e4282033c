// How loaders of others want tokens to lie in files. Little-endian, as they all are.
//
//   llmc      llm.c: 256 int32 of header (magic, version, tokens), then the tokens: uint16 (magic 20240520, version 1,
//   as
//             train_gpt2 reads) or uint32 (magic 20240801, version 7, as train_llama3 reads)
//   nanogpt   nanoGPT: the tokens alone, uint16 or uint32; the vocabulary's size in a meta.pkl beside them
//   megatron  Megatron-LM's indexed dataset: PREFIX.bin the tokens alone, uint16 or int32; PREFIX.idx where each
//             sequence begins
#pragma once

#include <cstdint>
#include <cstdio>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "core/base/result.h"
#include "core/text/bpe_merger.h"

namespace retort {

enum class ShardFormat { llmc, nanogpt, megatron };

/// Nothing for a format of lines.
bool is_shard_format(std::string_view name);
ShardFormat shard_format_of(std::string_view name);

/// 2 or 4: what ids of that vocabulary need in that format.
std::size_t token_bytes(ShardFormat format, std::size_t vocabulary);

/// What stands before the tokens; empty if nothing does. Errc::usage for more tokens than the header can say.
Result<std::string> shard_header(ShardFormat format, std::size_t width, std::int64_t tokens);

/// Appends the ids as they lie in the file.
void append_tokens(std::span<const TokenId> ids, std::size_t width, std::string& bytes);

/// The pickle {"vocab_size": N}, which is all that nanoGPT's train.py looks for.
std::string nanogpt_meta(std::size_t vocabulary);

/// The index of a Megatron shard. Lengths wait in a temporary file, so that memory does not grow with the corpus.
class MegatronIndex {
 public:
  /// Errc::disk if there is no place for a temporary file.
  static Result<MegatronIndex> create();

  /// A pair is a sequence, and a document of its own.
  Result<void> add(std::size_t tokens);
  Result<void> write(std::size_t width, const std::function<Result<void>(std::string_view)>& out);

 private:
  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  explicit MegatronIndex(std::FILE* lengths) : lengths_(lengths) {}
  std::unique_ptr<std::FILE, Close> lengths_;
  std::uint64_t sequences_ = 0;
};

}  // namespace retort
