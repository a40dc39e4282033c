// Where exported pairs go: lines of JSON, the rows of a Parquet file, or shards of tokens. Files are whole or not there
// at all.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "core/base/json.h"
#include "core/base/result.h"
#include "core/corpus/records.h"
#include "core/export/compression.h"
#include "core/export/format.h"

namespace retort {

class PairWriter {
 public:
  virtual ~PairWriter() = default;
  /// Whether pairs come with a rejected half.
  virtual bool wants_preference() const = 0;
  /// Makes what is written into. Nothing is there before.
  virtual Result<void> open() = 0;
  /// A word for why this format cannot say the pair, or empty: it is written. `rejected` is null unless wanted.
  virtual Result<std::string> write(const Pair& pair, const Pair* rejected) = 0;
  /// Everything is on disk, under other names.
  virtual Result<void> finish() = 0;
  /// Everything is in its place.
  virtual Result<void> commit() = 0;
  /// What the manifest tells beside the number of pairs; after finish() more than before.
  virtual void describe(Json& part) const = 0;
};

struct LinesPlace {
  std::string
      output;  ///< "-" is standard output: nothing is to be committed, and a reader who is gone ends the process
  Compression compression = Compression::none;
  bool parquet = false;  ///< rows of Parquet instead of lines, compressed within
};

/// Errc::usage if Parquet is wished and there is no module for it.
Result<std::unique_ptr<PairWriter>> lines_writer(std::unique_ptr<PairFormat> format, LinesPlace place);

struct ShardSettings {
  std::string format;           ///< "llmc", "nanogpt" or "megatron"
  std::string output;           ///
  std::string tokenizer;        ///< a folder, a tokenizer.json, or GGUF
  std::string chat_template;    ///< file; empty: the tokenizer's own
  std::int64_t tokens_max = 0;  ///< of a shard; 0: one file
  ReasoningStyle reasoning = ReasoningStyle::separate;
};

/// Errc::usage if the tokenizer cannot be read.
Result<std::unique_ptr<PairWriter>> shards_writer(const ShardSettings& settings);

}  // namespace retort
