#include "core/serve/arithmetic_prompts.h"

#include <algorithm>
#include <unordered_set>

#include "core/base/assert.h"
#include "core/base/random.h"

namespace retort {
namespace {

constexpr int kTriesPerPrompt = 1000;

std::string text(std::int64_t number) { return std::to_string(number); }

/// Draws operands of one split only.
class Numbers {
 public:
  Numbers(Random& random, PromptSplit split) : random_(random), held_out_(split == PromptSplit::held_out) {}

  /// One to four digits; long ones are likelier, since there are more of them and they are what is worth learning.
  std::int64_t any() {
    const double draw = random_.uniform();
    return of_length(draw < 0.04 ? 1 : draw < 0.20 ? 2 : draw < 0.60 ? 3 : 4);
  }

  std::int64_t of_length(int digits) {
    const std::int64_t low = digits == 1 ? 1 : power(digits - 1);
    for (;;) {
      const std::int64_t number = random_.between(low, power(digits) - 1);
      if (fits(number)) return number;
    }
  }

  /// A second operand: often of the same length, so that columns meet columns.
  std::int64_t beside(std::int64_t first) {
    return random_.chance(0.5) ? of_length(static_cast<int>(text(first).size())) : any();
  }

  /// For comparisons: shares its leading digits with `first` where that is possible, and differs from it.
  std::int64_t close_to(std::int64_t first) {
    const int digits = static_cast<int>(text(first).size());
    const std::int64_t block = power(static_cast<int>(random_.between(1, digits)));
    for (int tries = 0; tries < 50; ++tries) {
      const std::int64_t number = first / block * block + random_.between(0, block - 1);
      if (number > 0 && number != first && fits(number)) return number;
    }
    for (;;) {
      if (const std::int64_t number = any(); number != first) return number;
    }
  }

 private:
  static std::int64_t power(int exponent) {
    std::int64_t result = 1;
    while (exponent-- > 0) result *= 10;
    return result;
  }
  bool fits(std::int64_t number) const { return is_held_out(number) == held_out_; }

  Random& random_;
  bool held_out_;
};

class Maker {
 public:
  Maker(std::uint64_t seed, PromptSplit split)
      : random_(seed * 2 + (split == PromptSplit::held_out ? 1 : 0)), numbers_(random_, split) {}

  ArithmeticPrompt make(ProblemFamily family) {
    switch (family) {
      case ProblemFamily::sum:
        return sum();
      case ProblemFamily::difference:
        return difference();
      case ProblemFamily::comparison:
        return comparison();
      case ProblemFamily::story:
        return story();
    }
    RETORT_ASSERT(false);
  }

 private:
  template <std::size_t N>
  const char* pick(const std::array<const char*, N>& choices) {
    return choices[static_cast<std::size_t>(random_.between(0, N - 1))];
  }

  /// Larger first: no difference made here is negative.
  std::pair<std::int64_t, std::int64_t> ordered() {
    const std::int64_t a = numbers_.any();
    const std::int64_t b = numbers_.beside(a);
    return {std::max(a, b), std::min(a, b)};
  }

  ArithmeticPrompt sum() {
    const std::int64_t a = numbers_.any();
    const std::int64_t b = numbers_.beside(a);
    const std::string x = text(a);
    const std::string y = text(b);
    const std::array forms{"What is " + x + " + " + y + "?", "Calculate " + x + " + " + y + ".",
                           "Add " + x + " and " + y + "."};
    return {forms[static_cast<std::size_t>(random_.between(0, 2))], text(a + b), ProblemFamily::sum, {a, b}};
  }

  ArithmeticPrompt difference() {
    const auto [a, b] = ordered();
    const std::string x = text(a);
    const std::string y = text(b);
    const std::array forms{"What is " + x + " - " + y + "?", "Calculate " + x + " - " + y + ".",
                           "Subtract " + y + " from " + x + "."};
    const auto form = static_cast<std::size_t>(random_.between(0, 2));
    ArithmeticPrompt made{forms[form], text(a - b), ProblemFamily::difference, {a, b}};
    if (form == 2) std::swap(made.operands[0], made.operands[1]);
    return made;
  }

  ArithmeticPrompt comparison() {
    const std::int64_t a = numbers_.any();
    std::int64_t b = random_.chance(0.7) ? numbers_.close_to(a) : numbers_.any();
    while (b == a) b = numbers_.any();
    const bool larger = random_.chance(0.5);
    return {std::string("Which is ") + (larger ? "larger" : "smaller") + ", " + text(a) + " or " + text(b) + "?",
            text(larger ? std::max(a, b) : std::min(a, b)),
            ProblemFamily::comparison,
            {a, b}};
  }

  ArithmeticPrompt story() {
    static constexpr std::array kNames{"Ada", "Ben", "Eva", "Leo", "Mia", "Sam", "Tom", "Zoe"};
    static constexpr std::array kThings{"apples", "books", "cards", "coins", "eggs", "pens", "shells", "stamps"};
    const auto [a, b] = ordered();
    const std::string x = text(a);
    const std::string y = text(b);
    const std::string who = pick(kNames);
    std::string other = pick(kNames);
    while (other == who) other = pick(kNames);
    const std::string things = pick(kThings);
    const auto made = [&](std::string content, std::int64_t result) {
      return ArithmeticPrompt{std::move(content), text(result), ProblemFamily::story, {a, b}};
    };
    switch (random_.between(0, 5)) {
      case 0:
        return made(who + " has " + x + " " + things + " and buys " + y + " more. How many " + things + " does " + who +
                        " have now?",
                    a + b);
      case 1:
        return made(who + " has " + x + " " + things + " and " + other + " has " + y + ". How many " + things +
                        " do they have together?",
                    a + b);
      case 2:
        return made(
            who + " finds " + x + " " + things + " and then " + y + " more. How many " + things + " is that in total?",
            a + b);
      case 3:
        return made(who + " has " + x + " " + things + " and gives " + y + " to " + other + ". How many " + things +
                        " are left?",
                    a - b);
      case 4:
        return made(who + " and " + other + " share " + x + " " + things + ". " + who + " takes " + y +
                        ". How many does " + other + " get?",
                    a - b);
      default:
        return made(
            who + " has " + x + " " + things + " and " + other + " has " + y + ". How many more does " + who + " have?",
            a - b);
    }
  }

  Random random_;
  Numbers numbers_;
};

}  // namespace

const char* family_name(ProblemFamily family) {
  switch (family) {
    case ProblemFamily::sum:
      return "sum";
    case ProblemFamily::difference:
      return "difference";
    case ProblemFamily::comparison:
      return "comparison";
    case ProblemFamily::story:
      return "story";
  }
  RETORT_ASSERT(false);
}

std::optional<ProblemFamily> family_named(std::string_view name) {
  for (const ProblemFamily family : kProblemFamilies) {
    if (name == family_name(family)) return family;
  }
  return {};
}

bool is_held_out(std::int64_t number) { return Random(static_cast<std::uint64_t>(number)).next() % 5 == 0; }

std::vector<ArithmeticPrompt> make_arithmetic_prompts(const ArithmeticPromptOptions& options) {
  RETORT_ASSERT(!options.families.empty());
  Maker maker(options.seed, options.split);
  std::vector<ArithmeticPrompt> prompts;
  prompts.reserve(options.count);
  std::unordered_set<std::string> seen;
  while (prompts.size() < options.count) {
    const ProblemFamily family = options.families[prompts.size() % options.families.size()];
    ArithmeticPrompt prompt = maker.make(family);
    for (int tries = 0; seen.contains(prompt.content) && tries < kTriesPerPrompt; ++tries) prompt = maker.make(family);
    seen.insert(prompt.content);
    prompts.push_back(std::move(prompt));
  }
  return prompts;
}

Json prompt_row(const ArithmeticPrompt& prompt) {
  return {{"messages", Json::array({{{"role", "user"}, {"content", prompt.content}}})},
          {"reference", prompt.reference},
          {"family", family_name(prompt.family)}};
}

}  // namespace retort
