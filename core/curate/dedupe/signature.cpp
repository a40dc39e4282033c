// Signatures: from a text to 128 lanes, and what two of them say of the likeness of their texts.
#include <algorithm>
#include <bit>
#include <cmath>

#include "core/base/parallel.h"
#include "core/curate/dedupe/near_duplicates.h"
#include "core/curate/words.h"

namespace retort {
namespace {

constexpr std::uint64_t kNone = ~std::uint64_t{0};
constexpr int kLaneBits = 7;
static_assert(kSignatureLanes == 1 << kLaneBits);

// What reading a text needs; kept for the next one.
struct Scratch {
  Words words;
  std::vector<std::uint64_t> hashes;
};

Scratch& scratch() {
  thread_local Scratch kept;
  return kept;
}

// An empty lane takes the value of a full one, which a hash of its own number chooses: two texts that are alike choose
// alike, and the lanes stay independent, as they would not if each took its neighbour's.
void densify(std::array<std::uint64_t, kSignatureLanes>& least) {
  const auto known = least;
  for (std::size_t lane = 0; lane < least.size(); ++lane) {
    for (std::uint64_t attempt = 1; least[lane] == kNone; ++attempt) {
      least[lane] = known[mixed_bits(lane << 32 | attempt) >> (64 - kLaneBits)];
    }
  }
}

}  // namespace

Signature signature_of(std::string_view text, const NearDuplicateSettings& settings) {
  Scratch& space = scratch();
  read_words(text, space.words);
  Signature signature{};
  if (space.words.size() == 0) return signature;
  shingle_hashes(space.words, settings.shingle_words, space.hashes);
  std::array<std::uint64_t, kSignatureLanes> least;
  least.fill(kNone);
  for (const std::uint64_t hash : space.hashes) {
    std::uint64_t& lane = least[hash >> (64 - kLaneBits)];
    lane = std::min(lane, hash << kLaneBits >> kLaneBits);
  }
  densify(least);
  for (std::size_t lane = 0; lane < least.size(); ++lane) {
    signature[lane] = static_cast<std::uint16_t>(least[lane]);  // the low bits of a minimum are as good as random
  }
  return signature;
}

void signatures_of(std::span<const std::string_view> texts, const NearDuplicateSettings& settings, int threads,
                   std::span<Signature> signatures) {
  in_parallel(texts.size(), threads, 64, [&](std::size_t begin, std::size_t end) {
    for (std::size_t i = begin; i < end; ++i) signatures[i] = signature_of(texts[i], settings);
  });
}

double estimated_jaccard(const Signature& a, const Signature& b) {
  int equal = 0;
  for (std::size_t lane = 0; lane < a.size(); ++lane) equal += a[lane] == b[lane];
  return static_cast<double>(equal) / kSignatureLanes;
}

double true_jaccard(std::string_view a, std::string_view b, int shingle_words) {
  Scratch& space = scratch();
  const auto shingles = [&](std::string_view text) {
    read_words(text, space.words);
    shingle_hashes(space.words, shingle_words, space.hashes);
    std::vector<std::uint64_t> set = space.hashes;
    std::sort(set.begin(), set.end());
    set.erase(std::unique(set.begin(), set.end()), set.end());
    return set;
  };
  const std::vector<std::uint64_t> first = shingles(a), second = shingles(b);
  std::size_t common = 0;
  for (std::size_t i = 0, j = 0; i < first.size() && j < second.size();) {
    if (first[i] == second[j]) ++common;
    const bool step_first = first[i] <= second[j], step_second = second[j] <= first[i];
    i += step_first;
    j += step_second;
  }
  const std::size_t all = first.size() + second.size() - common;
  return all == 0 ? 0 : static_cast<double>(common) / static_cast<double>(all);
}

double Bands::chance(double jaccard) const { return 1 - std::pow(1 - std::pow(jaccard, rows), bands); }

Bands bands_for(const NearDuplicateSettings& settings) {
  for (int rows = 32; rows > 1; --rows) {
    const Bands bands{kSignatureLanes / rows, rows};
    if (bands.chance(settings.threshold) >= settings.recall) return bands;
  }
  return {kSignatureLanes, 1};
}

}  // namespace retort
