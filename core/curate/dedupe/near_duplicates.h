// Nearly the same text again: texts whose sets of word sequences (shingles) overlap by a threshold, as measured by the
// Jaccard index. Found by MinHash (A. Broder 1997) with one permutation (P. Li, A. Owen, C.-H. Zhang 2012) and optimal
// densification (A. Shrivastava 2017), 16 bits a lane (P. Li, A. C. König 2010), and locality-sensitive hashing of
// bands of lanes (P. Indyk, R. Motwani 1998). docs/dedupe.md has the figures.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/curate/dedupe/exact_duplicates.h"

namespace retort {

constexpr int kSignatureLanes = 128;

/// 256 bytes that stand for a text's shingles: a plain value, the same on every machine of one byte order.
using Signature = std::array<std::uint16_t, kSignatureLanes>;

struct NearDuplicateSettings {
  double threshold = 0.8;     ///< of the Jaccard index; in [0.3, 1]
  int shingle_words = 5;      ///< fewer find looser likeness, and more of it by chance
  double recall = 0.995;      ///< the chance that a pair at the threshold is looked at: more costs more candidates
  int candidates_max = 1000;  ///< looked at for one text; bounds the time where boilerplate makes all alike
};

/// How lanes are cut into bands: a pair becomes a candidate if all rows of some band agree.
struct Bands {
  int bands = 0, rows = 0;
  /// The chance of that for a pair with this Jaccard index: 1 - (1 - j^rows)^bands.
  double chance(double jaccard) const;
};

/// The most rows (fewest false candidates) with which a pair at the threshold has at least the wanted chance.
Bands bands_for(const NearDuplicateSettings& settings);

/// The signature of a text without words is all zeros, and such a text is no duplicate of anything.
Signature signature_of(std::string_view text, const NearDuplicateSettings& settings);
/// Signatures of many texts on all cores.
void signatures_of(std::span<const std::string_view> texts, const NearDuplicateSettings& settings, int threads,
                   std::span<Signature> signatures);

/// The share of equal lanes: the Jaccard index with a standard error of at most sqrt(j (1 - j) / 128).
double estimated_jaccard(const Signature& a, const Signature& b);
/// The Jaccard index itself, of the shingles.
double true_jaccard(std::string_view a, std::string_view b, int shingle_words);

/// The text at a position of the list; called from several threads at once.
using TextReader = std::function<std::string(std::uint32_t position)>;

/// Walks the list in its order, which is the order of preference, and drops each text that is a near duplicate of one
/// kept before it: so what is dropped is always like what is kept, and chains do not grow. Candidates are checked by
/// the true Jaccard index where `text_of` is given, else by the estimate. The same on any number of threads.
/// Memory: 8 bytes a text and band (21 bands at 0.8: 176 MB a million texts) besides the signatures. `groups` as in
/// exact_duplicates().
std::vector<Duplicate> near_duplicates(std::span<const Signature> signatures, const NearDuplicateSettings& settings,
                                       int threads, std::span<const std::uint64_t> groups = {},
                                       const TextReader& text_of = {});

}  // namespace retort
