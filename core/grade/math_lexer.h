// LaTeX and plain notation as one stream of tokens: what only shapes the page is gone, what several spellings mean has
// one name.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace retort {

struct MathToken {
  enum class Kind {
    number,   ///< digits with at most one point, no separators
    symbol,   ///< "x", "pi", "infinity"
    command,  ///< something with meaning: "frac", "sqrt", "sin", "cdot", "union", "begin:pmatrix", …
    mark,     ///< one character: + - * / ^ _ ( ) [ ] { } , ; = < > | ! % & ' :
    text,     ///< words
    unit,     ///< words behind a blank of their own, as in 5\text{ cm}
    end,
  };
  Kind kind = Kind::end;
  std::string text;
  bool spaced = false;  ///< white space stands before it
};

/// Always ends with one `end`.
std::vector<MathToken> math_tokens(std::string_view text);

}  // namespace retort
