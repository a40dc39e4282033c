// Teachers that are asked for several prompts write lists. This reads them, forgivingly: numbers, "Task 9:", bullets,
// emphasis and quotes around an item.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace retort {

/// The items in order; empty if the text is no list. What stands before the first item, and after an empty line that
/// no further item follows, is talk and left out. Lines between two items belong to the first.
std::vector<std::string> read_items(std::string_view text);

/// Without emphasis and quotes around the whole.
std::string bare_item(std::string_view text);

}  // namespace retort
