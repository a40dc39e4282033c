// Does a pair hold what a model will be tested with? Word sequences of the evaluation sets are indexed, each hit is
// checked against the true words, and the matched text is shown (the 13 words of Brown et al. 2020, appendix C).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"
#include "core/curate/words.h"

namespace retort {

struct DecontaminationSettings {
  int words = 13;              ///< that must stand in one sequence
  int words_short = 8;         ///< items with fewer than `words` match as a whole, if they have at least so many
  int boilerplate_items = 10;  ///< sequences of more items than this are phrases of the set, not questions
  double share_min = 0;        ///< of an item's sequences that must be found; 0: one is enough
};

struct EvaluationItem {
  std::string set;   ///< "gsm8k"
  std::string id;    ///< its id, or its line number
  std::string text;  ///< question, choices and answer, as one text
};

/// The items of a JSON lines file: the fields "question", "problem", "prompt", "instruction", "input", "text", "query",
/// "messages", "choices" and "answer"-like fields if `with_answers`, or those named in `fields`. A line that is no JSON
/// object or has none of them is an error (Errc::usage) that names the line.
Result<std::vector<EvaluationItem>> evaluation_items(std::string_view json_lines, std::string_view set,
                                                     const std::vector<std::string>& fields = {});

struct Contamination {
  std::uint32_t item = 0;  ///< position in the list the index was made of
  std::string set, id;
  std::string matched;    ///< the longest common sequence of words, in lower case, at most 200 bytes
  std::size_t words = 0;  ///< of it
  double share = 0;       ///< of the item's sequences that the text holds, in (0, 1]
};

/// Constant after construction: one index serves all threads.
class EvaluationIndex {
 public:
  EvaluationIndex(std::vector<EvaluationItem> items, DecontaminationSettings settings);

  /// The item that a text holds most of, if any.
  std::optional<Contamination> find(std::string_view text) const;
  /// Of settings and items: the key of cached labels.
  const std::string& digest() const { return digest_; }
  /// Items with fewer than `words_short` words, which are never found.
  std::size_t items_too_short() const { return too_short_; }
  std::size_t sequences() const { return sequences_; }

 private:
  struct Item {
    std::string set, id;
    Words words;
    int width = 0;  ///< of its sequences; 0: too short
  };
  /// A sequence, and where it stands.
  struct Slot {
    std::uint32_t check = 0;  ///< the hash's upper half
    std::uint32_t item = 0;   ///< 1 + position; 0: empty
    std::uint32_t word = 0;
  };

  void insert(std::uint64_t hash, std::uint32_t item, std::uint32_t word);
  bool equal_words(const Words& text, std::size_t at, const Item& item, std::size_t word) const;

  DecontaminationSettings settings_;
  std::vector<Item> items_;
  std::vector<int> widths_;          ///< those that occur
  std::vector<Slot> slots_;          ///< a power of two of them
  std::vector<std::uint64_t> seen_;  ///< a bit a hash: what is not set need not be looked up
  std::string digest_;
  std::size_t too_short_ = 0, sequences_ = 0;
};

}  // namespace retort
