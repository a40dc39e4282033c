// One reading of a text as words, shared by dedupe and decontamination, so that both mean the same by "the same words":
// lower case, without punctuation and spacing, each Chinese or Japanese character a word.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace retort {

struct Words {
  std::string text;                   ///< the words in lower case, one space between them
  std::vector<std::uint32_t> ends;    ///< where each ends in `text`
  std::vector<std::uint64_t> hashes;  ///< of each

  std::size_t size() const { return ends.size(); }
  std::size_t begin(std::size_t word) const { return word == 0 ? 0 : ends[word - 1] + 1; }
  /// Of `count` words from `word` on.
  std::string_view span(std::size_t word, std::size_t count) const {
    return std::string_view(text).substr(begin(word), ends[word + count - 1] - begin(word));
  }
};

/// Reads a text into `words`, whose memory is used again. Any bytes will do; only the first GiB is read. Case is folded
/// for Latin, Greek, Cyrillic and full-width letters; nothing else is normalised. Punctuation parts words and is
/// dropped, but + = < > ^ / % are words, and so is a minus before a digit: "3-4" and "3+4" are not the same.
void read_words(std::string_view text, Words& words);

/// The hashes of all sequences of `width` words, in the order of the text; of a text with fewer words the hash of them
/// all; of a text without words nothing. Equal on every machine of one byte order.
void shingle_hashes(const Words& words, int width, std::vector<std::uint64_t>& hashes);

/// The version of both: part of every digest of what is made with them.
constexpr int kWordsVersion = 1;

/// Mixes 64 bits so that each depends on all.
constexpr std::uint64_t mixed_bits(std::uint64_t x) {
  x = (x ^ (x >> 33)) * 0xff51afd7ed558ccdULL;
  x = (x ^ (x >> 33)) * 0xc4ceb9fe1a85ec53ULL;
  return x ^ (x >> 33);
}

}  // namespace retort
