// Makes problems for the embedded teacher. What a student is examined on must not have been in its lessons, so the
// numbers themselves are parted, once and for all, into a training set and a held-out set: a held-out operand is in no
// training prompt of any family, whatever the seeds and counts.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/json.h"

namespace retort {

enum class ProblemFamily { sum, difference, comparison, story };
constexpr std::array kProblemFamilies{ProblemFamily::sum, ProblemFamily::difference, ProblemFamily::comparison,
                                      ProblemFamily::story};

/// "sum", "difference", "comparison", "story".
const char* family_name(ProblemFamily family);
std::optional<ProblemFamily> family_named(std::string_view name);

enum class PromptSplit { train, held_out };

struct ArithmeticPromptOptions {
  std::size_t count = 0;
  std::uint64_t seed = 0;
  PromptSplit split = PromptSplit::train;
  /// Taken in turns, so that each has its share of any beginning of the list.
  std::vector<ProblemFamily> families{kProblemFamilies.begin(), kProblemFamilies.end()};
};

struct ArithmeticPrompt {
  std::string content;
  std::string reference;  ///< the right answer
  ProblemFamily family = ProblemFamily::sum;
  std::array<std::int64_t, 2> operands{};  ///< in order of appearance
};

/// True for about one number in five. A constant of the format: it depends on nothing but the number.
bool is_held_out(std::int64_t number);

/// The same list for the same options, on every platform; a longer list begins with the shorter one. Operands have one
/// to four digits. No text comes twice, except where millions of prompts exhaust a family.
std::vector<ArithmeticPrompt> make_arithmetic_prompts(const ArithmeticPromptOptions& options);

/// {"messages": [{"role": "user", "content": …}], "reference": …, "family": …}
Json prompt_row(const ArithmeticPrompt& prompt);

}  // namespace retort
