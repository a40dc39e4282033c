// Evol-Instruct (WizardLM, Xu et al. 2023, arXiv:2304.12244): a teacher rewrites a prompt into a harder one (in depth)
// or into a new one of the same domain (in breadth). Here are the pure halves: the questions, the readings of the
// answers, and the rules of elimination (section 3.2 of the paper).
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "core/base/json.h"

namespace retort {

enum class Evolution { constraints, deepen, concretise, reasoning, breadth };

/// All of them, in the order of the enumeration, and their words: "constraints", "deepen", …
std::span<const Evolution> all_evolutions();
std::string_view evolution_word(Evolution evolution);
std::optional<Evolution> evolution_of(std::string_view word);

Json evolve_messages(Evolution evolution, std::string_view prompt);
/// The prompt in the answer: without a heading that repeats its name, and without quotes around it.
std::string read_evolved(std::string_view answer);
/// Why it is no evolution by its looks alone; empty if it may be one: nothing was written, it is what it was, the
/// teacher declined, or words of the question were copied into it.
std::string why_not_evolved(std::string_view before, std::string_view evolved);

/// The first rule: does the evolved prompt ask for more or other than the one before? Asked of the teacher.
Json equality_messages(std::string_view before, std::string_view evolved);
/// Nothing if the answer says neither.
std::optional<bool> read_equality(std::string_view answer);

/// The second and third rule, over the answer to the evolved prompt: an apology of less than 80 words, or nothing but
/// punctuation and stop words. Empty if neither.
std::string why_unanswerable(std::string_view answer);

}  // namespace retort
