// Choosing among good pairs: how many of a prompt, how long, how hard, how evenly, how much in all. Pure functions from
// a list to the positions that stay, always in ascending order. Ties fall to the earlier position, chance to a seeded
// hash of the key, so the same list gives the same choice and a longer one disturbs it little.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/curate/dedupe/near_duplicates.h"

namespace retort {

using Positions = std::vector<std::uint32_t>;

/// What selection knows of a pair.
struct Candidate {
  std::string_view key;     ///< what names the pair for good: its content digest, say
  std::string_view prompt;  ///< the prompt's digest
  std::string_view field;   ///< of the metadata to balance by
  std::int64_t tokens = 0;  ///< length, in tokens or in bytes, as the caller means it
};

enum class Prefer {
  first,     ///< as the list stands
  shortest,  ///
  longest,   ///
  diverse,   ///< the first, then always the one farthest from all chosen (greedy max-min, T. Gonzalez 1985)
};

/// At most `k` of each prompt. `signatures` is needed for `diverse` alone: one for each candidate.
Positions at_most_per_prompt(std::span<const Candidate> pairs, int k, Prefer prefer,
                             std::span<const Signature> signatures = {});

/// Both bounds are included; an unset bound does not bind.
struct Band {
  std::optional<double> low, high;
  bool holds(double value) const { return !(low && value < *low) && !(high && value > *high); }
};

Positions in_length_band(std::span<const Candidate> pairs, const Band& tokens);
/// `pass_rates` has the share of right answers of each candidate's prompt; NaN (unknown) is outside of every band that
/// binds.
Positions in_difficulty_band(std::span<const double> pass_rates, const Band& pass_rate);

/// No value of `field` has more pairs than `times` the rarest one has; chosen by a seeded hash of the key.
Positions balanced(std::span<const Candidate> pairs, double times = 1, std::uint64_t seed = 0);

/// As many as fit into `tokens`, in the order of a seeded hash of the key; one that does not fit ends it.
Positions within_tokens(std::span<const Candidate> pairs, std::int64_t tokens, std::uint64_t seed = 0);

}  // namespace retort
