// The same text again, whatever its case, spacing and punctuation.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace retort {

/// 128 bits of SHA-256 over the words of a text (core/curate/words.h): equal digests are equal words. Worth caching.
using TextDigest = std::array<std::uint64_t, 2>;
TextDigest text_digest(std::string_view text);
/// Of what that depends on: the key of cached digests.
std::string text_digest_digest();

/// `dropped` says the same as `kept`, with `jaccard` of their shingles in common (1 for exact duplicates). Both are
/// positions in the caller's list.
struct Duplicate {
  std::uint32_t dropped = 0, kept = 0;
  double jaccard = 1;
};

/// Every text but the first of each digest, in the order of the list. The list stands in order of preference: what
/// should be kept comes first. `groups` is empty (compare all with all), or has the group of each: then only texts of
/// one group (say, a prompt) are compared.
std::vector<Duplicate> exact_duplicates(std::span<const TextDigest> texts, std::span<const std::uint64_t> groups = {});

}  // namespace retort
