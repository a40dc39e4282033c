// Added tokens are found in text as they stand, before words are cut: the leftmost first, of those that begin at one
// place the longest, as Hugging Face's `tokenizers` finds them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/text/bpe_merger.h"

namespace retort {

/// A token that is found as it stands, before words are cut. `special` ones are left out when text is decoded.
struct AddedToken {
  TokenId id = 0;
  std::string content;
  bool special = true;
  bool single_word = false;  ///< not beside a letter, a digit or a mark
  bool lstrip = false;       ///< takes the white space before it
  bool rstrip = false;       ///< and after it
  bool normalized = false;   ///< is looked for after normalisation
  bool in_vocab = false;     ///< stands in model.vocab of tokenizer.json too
};

class AddedTokenFinder {
 public:
  /// Adds a token under the content given, which may be the normalised one.
  void add(std::string_view content, std::size_t index);
  bool empty() const { return nodes_.size() == 1; }

  struct Match {
    std::size_t begin = 0, end = 0, index = 0;
  };
  /// The longest token that begins at `at`; false if there is none.
  bool longest_at(std::string_view text, std::size_t at, Match& match) const {
    return starts_[static_cast<std::uint8_t>(text[at])] && walk(text, at, match);
  }

 private:
  bool walk(std::string_view text, std::size_t at, Match& match) const;
  struct Node {
    char byte = 0;
    std::int32_t child = 0, sibling = 0, index = -1;  // 0: none, since the root is nobody's child
  };
  std::vector<Node> nodes_{1};
  std::vector<bool> starts_ = std::vector<bool>(256);
};

}  // namespace retort
