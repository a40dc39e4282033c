// The merging itself: bytes of a word become tokens by merging the pair of the lowest rank, the leftmost first, until
// none is left (Sennrich et al. 2016, as GPT-2 has it). No memory is allocated for a word, and words seen before are
// not merged again.
#pragma once

#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

namespace retort {

using TokenId = std::int32_t;

/// Value only, copyable. encode() changes a cache inside: not for several threads at once.
class BpeMerger {
 public:
  BpeMerger() = default;
  /// `byte_ids` has 256 entries; a byte with -1 is left out of words, as Hugging Face does without unk_token.
  BpeMerger(std::vector<TokenId> byte_ids, std::size_t merges);
  /// In the order of their ranks. Of two merges of one pair the later one counts, as in Hugging Face's.
  void add(TokenId left, TokenId right, TokenId made);
  /// Appends the tokens of one word of at least one byte.
  void encode(std::string_view word, std::vector<TokenId>& ids);
  /// Appends what is remembered of a word; false if it is not remembered.
  bool recall(std::string_view word, std::vector<TokenId>& ids);
  /// A word that is a token as a whole and must not be merged. Long words are not remembered.
  void remember(std::string_view word, TokenId id);

 private:
  struct Slot {
    std::uint64_t pair = ~std::uint64_t{0};
    std::uint32_t rank = 0;
    TokenId made = 0;
  };
  struct Known {
    std::uint64_t head = 0, tail = 0;
    std::uint8_t bytes = 0, count = 0;
    TokenId ids[7] = {};
  };
  struct Symbol {
    TokenId id;
    std::int32_t previous, next;
  };
  struct Candidate {
    std::uint32_t rank;
    std::int32_t left;
    TokenId left_id, right_id, made;
  };
  const Slot* find(TokenId left, TokenId right) const;
  Known* place_of(std::string_view word, std::uint64_t& head, std::uint64_t& tail);
  void merge_short(std::vector<TokenId>& ids);
  void merge_long(std::vector<TokenId>& ids);

  std::vector<TokenId> byte_ids_;
  std::vector<Slot> slots_;
  unsigned shift_ = 63;
  std::uint32_t merges_ = 0;
  std::vector<Known> known_;
  // Room for the word at hand.
  std::vector<TokenId> symbols_;
  std::vector<std::uint32_t> ranks_;
  std::vector<Symbol> chain_;
  std::vector<Candidate> candidates_;
};

}  // namespace retort
