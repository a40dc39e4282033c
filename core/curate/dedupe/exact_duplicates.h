// The same text again, whatever its case and spacing.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace retort {

/// 128 bits of SHA-256 over a text in lower case (ASCII) with runs of white space as one space: nothing else is passed
/// over, since a sign or a bracket may be the whole difference between two answers.
using TextDigest = std::array<std::uint64_t, 2>;
TextDigest text_digest(std::string_view text);
/// Of the method: the key of cached digests.
std::string text_digest_method();

/// `dropped` says what `kept` says: `jaccard` of their shingles in common (1 for exact duplicates). Both are positions
/// in the caller's list.
struct Duplicate {
  std::uint32_t dropped = 0, kept = 0;
  double jaccard = 1;
};

/// Every text but the first of each digest, in the order of the list. The list stands in order of preference: what
/// should be kept comes first. `groups` is empty (compare all with all), or has the group of each: then only texts of
/// one group (say, a prompt) are compared.
std::vector<Duplicate> exact_duplicates(std::span<const TextDigest> texts, std::span<const std::uint64_t> groups = {});

}  // namespace retort
