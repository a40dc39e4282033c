// Does a pair hold what a model will be tested with? Word sequences of the evaluation sets are indexed, each hit is
// checked against the true words, and the matched text is shown (the 13 words of T. Brown et al. 2020, appendix C).
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
  std::string text;  ///< question and choices, as one text
};

/// The items of JSON lines: the text of the fields named, in that order, or of the usual ones for a question (question,
/// problem, prompt, instruction, input, query, text, messages, choices). Answers are left out unless named: "yes" is
/// no evidence. A line that is no JSON object, or has none of the fields, is an Errc::usage that names the line.
Result<std::vector<EvaluationItem>> evaluation_items(std::string_view json_lines, std::string_view set,
                                                     const std::vector<std::string>& fields = {});

struct Contamination {
  std::uint32_t item = 0;  ///< position in the list the index was made of
  std::string set, id;
  std::string matched;    ///< the longest common sequence of words, in lower case, at most 200 bytes
  std::size_t words = 0;  ///< of it
  double share = 0;       ///< of the item's sequences that the text holds, in (0, 1]
};

/// Constant after construction: one index serves all threads. Memory: some 25 bytes a sequence and the sets' text.
class EvaluationIndex {
 public:
  EvaluationIndex(const std::vector<EvaluationItem>& items, DecontaminationSettings settings);

  /// The item that a text holds most of, if any. Ask for prompt and answer each.
  std::optional<Contamination> find(std::string_view text) const;
  /// Of settings, method and items: the key of cached labels.
  const std::string& digest() const { return digest_; }
  /// Items that are never found: too short, or phrases of the set throughout.
  std::size_t items_not_indexed() const { return not_indexed_; }
  std::size_t sequences() const { return sequences_; }

 private:
  struct Item {
    std::string set, id;
    Words words;
    std::size_t width = 0;      ///< of its sequences, in words
    std::size_t sequences = 0;  ///< indexed ones
  };
  /// A sequence, and where it stands.
  struct Slot {
    std::uint32_t check = 0;  ///< the hash's upper half
    std::uint32_t item = 0;   ///< 1 + position; 0: empty
    std::uint32_t word = 0;
  };
  struct Hit {
    std::uint32_t item = 0, word = 0, at = 0;
  };

  void insert(std::uint64_t hash, std::uint32_t item, std::uint32_t word);
  void collect(const Words& text, std::size_t width, std::vector<Hit>& hits) const;
  std::optional<Contamination> judged(std::vector<Hit>& hits) const;

  DecontaminationSettings settings_;
  std::vector<Item> items_;
  std::vector<std::size_t> widths_;  ///< those that occur
  std::vector<Slot> slots_;          ///< a power of two of them
  std::vector<std::uint64_t> seen_;  ///< a bit a hash: what is not set need not be looked up
  std::string digest_;
  std::size_t not_indexed_ = 0, sequences_ = 0;
};

}  // namespace retort
