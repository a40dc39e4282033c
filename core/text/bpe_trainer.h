// Learns a byte-level BPE vocabulary from a stream of texts. Memory grows with the number of different words only.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/base/result.h"
#include "core/text/bpe_tokenizer.h"

namespace retort {

struct BpeTrainerSettings {
  /// Tokens in all: 256 bytes, the added ones, and merges for the rest. Smaller makes a smaller student with longer
  /// rows.
  int vocabulary_size = 512;
  /// A pair seen less often makes no token: it would be learned from too little.
  std::int64_t pair_count_min = 2;
  std::vector<AddedToken> added;  ///< their ids are given by the trainer: the last of the vocabulary, in this order
};

class BpeTrainer {
 public:
  BpeTrainer();
  /// Counts the words of a text (bytes that are not UTF-8 are replaced).
  void add(std::string_view text);
  /// The same texts in any order give the same tokenizer: the most frequent pair is merged first, of equals the
  /// one with the smaller ids. Errc::usage if the vocabulary has no room for the bytes and the added tokens.
  Result<BpeTokenizer> train(const BpeTrainerSettings& settings) const;

 private:
  PreTokenizer words_;
  std::unordered_map<std::string, std::int64_t> counts_;
};

}  // namespace retort
