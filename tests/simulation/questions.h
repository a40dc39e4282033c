// The prompts of a world. Everything about a prompt follows from its number, so that harvester, teacher and checkers
// agree on it without telling each other.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/prompt/prompt_feed.h"

namespace retort::simulation {

/// How long prompts and answers are, in tokens: log-normal, each from one to `most`.
struct Lengths {
  double prompt_median = 5;
  double prompt_sigma = 0;
  double answer_median = 20;
  double answer_sigma = 0;
  double most = 4096;
};

class Questions {
 public:
  static constexpr std::size_t kBytesPerToken = 4;

  Questions(Lengths lengths, std::uint64_t seed) : lengths_(lengths), seed_(seed) {}

  std::int64_t prompt_tokens(std::int64_t number) const;
  std::int64_t answer_tokens(std::int64_t number) const;
  std::int64_t tokens(std::int64_t number) const { return prompt_tokens(number) + answer_tokens(number); }
  /// "q17" and as much more as it takes to be so many tokens.
  std::string text(std::int64_t number) const;
  /// The number of the prompt in a request's body; 0 if there is none.
  static std::int64_t number_in(std::string_view body);

 private:
  Lengths lengths_;
  std::uint64_t seed_;
};

}  // namespace retort::simulation
