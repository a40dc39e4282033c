// One reading of a text as words, shared by dedupe and decontamination, so that both mean the same by "the same words":
// lower case, without punctuation and spacing, and each Chinese, Japanese or Korean character a word.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace retort {

struct Words {
  std::string text;                   ///< the words in lower case, one space between them (and no other byte)
  std::vector<std::uint32_t> ends;    ///< where each ends in `text`
  std::vector<std::uint64_t> hashes;  ///< of each

  std::size_t size() const { return ends.size(); }
  std::size_t begin(std::size_t word) const { return word == 0 ? 0 : ends[word - 1] + 1; }
};

/// Reads a text into `words`, whose memory is used again. Any bytes will do; of texts beyond 4 GiB only the beginning
/// is read. Case is folded for Latin, Greek, Cyrillic and full-width letters; nothing else is normalised.
void read_words(std::string_view text, Words& words);

/// The hashes of all sequences of `width` words, in the order of the text; of a text with fewer words the hash of them
/// all; of a text without words nothing.
void shingle_hashes(const Words& words, int width, std::vector<std::uint64_t>& hashes);

}  // namespace retort
