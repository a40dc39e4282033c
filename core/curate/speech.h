// Whose words are they? What stands in quotation marks, in a block quotation or in code is not said by the one who
// answers.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

namespace retort {

/// At most `bytes_max` bytes before and after a place, cut at a character.
std::string_view before(std::string_view text, std::size_t at, std::size_t bytes_max);
std::string_view after(std::string_view text, std::size_t at, std::size_t bytes_max);

struct Sentence {
  std::size_t begin = 0, end = 0;
};

/// The sentences of a text, end to end; a line's end ends one, and so do a thousand bytes. A full stop within a word or
/// a number ends nothing.
std::vector<Sentence> sentences_of(std::string_view text);

/// A text and where its code fences are: found once, for a text may be asked about many places. A view: the text must
/// outlive it. Valid UTF-8.
class Speech {
 public:
  explicit Speech(std::string_view text);

  std::string_view text() const { return text_; }
  bool is_code(std::size_t at) const;
  /// Within a quotation, or in code.
  bool is_quotation(std::size_t at) const;

 private:
  std::string_view text_;
  std::vector<std::size_t> fences_;
};

}  // namespace retort
