// The pre-tokenizer patterns of the common families, written out by hand: a tenth of the time of a regular expression
// that is run for every word. tests/unit/pre_tokenizer_test.cpp holds each against PCRE2 and its own pattern.
#pragma once

#include <cstddef>
#include <string_view>

namespace retort {

/// Where the word that begins at `at` ends. `text[at, end)` is not empty and valid UTF-8; what lies beyond `end` is
/// not looked at.
using WordScanner = std::size_t (*)(const char* text, std::size_t at, std::size_t end);

/// The scanner of a pattern, letter for letter as tokenizer.json has it, or nullptr: then PCRE2 must do.
WordScanner word_scanner(std::string_view pattern);

}  // namespace retort
