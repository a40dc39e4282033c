// Where in a text is its final answer? Prompts, people and models mark it in a handful of ways.
#pragma once

#include <optional>
#include <string_view>

namespace retort {

struct FinalAnswer {
  enum class Mark {
    boxed,   ///< \boxed{…}, the last one that ends
    stated,  ///< after "#### ", "Answer:" or "the answer is"
    line,    ///< nothing marks it: the last line that is not empty
  };
  std::string_view text;  ///< part of the text that was searched, without white space around it
  Mark mark = Mark::line;
};

/// The strongest mark counts, and of its kind the last. A text in which a \boxed{ never ends was cut: what stands in it
/// is no answer.
FinalAnswer final_answer(std::string_view text);

/// The content of the last \boxed{…} or \fbox{…} (or `\boxed 7`), braces matched; nothing if there is none that ends.
std::optional<std::string_view> last_boxed(std::string_view text);

}  // namespace retort
