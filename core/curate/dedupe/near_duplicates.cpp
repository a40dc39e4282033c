#include "core/curate/dedupe/near_duplicates.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <optional>

#include "core/base/assert.h"
#include "core/base/parallel.h"
#include "core/curate/words.h"

namespace retort {
namespace {

constexpr std::uint32_t kEnd = ~std::uint32_t{0};
constexpr std::size_t kBatch = 4096;  // fixed: nothing that is found may depend on the number of threads

// What was kept, by band: chains of positions, the newest first. A chain may hold other bands' values than the one it
// was asked for; who walks it compares the lanes.
class Buckets {
 public:
  Buckets(Bands bands, std::size_t texts)
      : bands_(bands), bits_(std::max(1, static_cast<int>(std::bit_width(texts)))), texts_(texts) {
    heads_.assign(static_cast<std::size_t>(bands.bands) << bits_, kEnd);
    next_.resize(static_cast<std::size_t>(bands.bands) * texts);
  }

  std::size_t slot(const Signature& signature, int band, std::uint64_t group) const {
    std::uint64_t hash = group ^ 0x9e3779b97f4a7c15ULL;
    for (int row = 0; row < bands_.rows; ++row) {
      hash = (hash ^ signature[lane(band) + static_cast<std::size_t>(row)]) * 0xff51afd7ed558ccdULL;
      hash ^= hash >> 29;
    }
    return static_cast<std::size_t>(band) << bits_ | mixed_bits(hash) >> (64 - bits_);
  }
  void prefetch(std::size_t slot) const { __builtin_prefetch(&heads_[slot]); }
  std::uint32_t head(std::size_t slot) const { return heads_[slot]; }
  std::uint32_t after(int band, std::uint32_t text) const {
    return next_[static_cast<std::size_t>(band) * texts_ + text];
  }
  bool equal_band(const Signature& a, const Signature& b, int band) const {
    return std::memcmp(&a[lane(band)], &b[lane(band)], static_cast<std::size_t>(bands_.rows) * sizeof(a[0])) == 0;
  }
  void insert(std::size_t slot, int band, std::uint32_t text) {
    next_[static_cast<std::size_t>(band) * texts_ + text] = heads_[slot];
    heads_[slot] = text;
  }

 private:
  std::size_t lane(int band) const { return static_cast<std::size_t>(band * bands_.rows); }

  Bands bands_;
  int bits_;
  std::size_t texts_;
  std::vector<std::uint32_t> heads_, next_;
};

class Search {
 public:
  Search(std::span<const Signature> signatures, const NearDuplicateSettings& settings,
         std::span<const std::uint64_t> groups, const TextReader& text_of)
      : signatures_(signatures),
        settings_(settings),
        groups_(groups),
        text_of_(text_of),
        bands_(bands_for(settings)),
        buckets_(bands_, signatures.size()) {
    // Where the text decides, the estimate only saves reading: four standard errors below the threshold are left to it.
    const double error = std::sqrt(settings.threshold * (1 - settings.threshold) / kSignatureLanes);
    estimate_min_ = text_of ? settings.threshold - 4 * error : settings.threshold;
  }

  std::vector<Duplicate> run(int threads) {
    std::vector<Duplicate> dropped;
    const auto bands = static_cast<std::size_t>(bands_.bands);
    std::vector<std::size_t> slots(kBatch * bands);
    std::vector<std::optional<Duplicate>> found(kBatch);
    for (std::size_t begin = 0; begin < signatures_.size(); begin += kBatch) {
      const std::size_t count = std::min(kBatch, signatures_.size() - begin);
      // Against what was kept before the batch: on all threads, for nothing changes meanwhile.
      in_parallel(count, threads, 32, [&](std::size_t from, std::size_t to) {
        for (std::size_t i = from; i < to; ++i) {
          const auto text = static_cast<std::uint32_t>(begin + i);
          const std::span<std::size_t> own(&slots[i * bands], bands);
          find_slots(text, own);
          found[i] = look(text, own, 0);
        }
      });
      // Against what the batch itself has kept so far: one after the other, and soon done.
      for (std::size_t i = 0; i < count; ++i) {
        if (i + 1 < count) prefetch({&slots[(i + 1) * bands], bands});
        const auto text = static_cast<std::uint32_t>(begin + i);
        const std::span<const std::size_t> own(&slots[i * bands], bands);
        if (!found[i]) found[i] = look(text, own, static_cast<std::uint32_t>(begin));
        if (found[i]) {
          dropped.push_back(*found[i]);
        } else if (has_words(text)) {
          for (int band = 0; band < bands_.bands; ++band)
            buckets_.insert(own[static_cast<std::size_t>(band)], band, text);
        }
      }
    }
    return dropped;
  }

 private:
  std::uint64_t group(std::uint32_t text) const { return groups_.empty() ? 0 : groups_[text]; }
  bool has_words(std::uint32_t text) const { return signatures_[text] != Signature{}; }

  void find_slots(std::uint32_t text, std::span<std::size_t> slots) const {
    for (int band = 0; band < bands_.bands; ++band) {
      slots[static_cast<std::size_t>(band)] = buckets_.slot(signatures_[text], band, group(text));
    }
    prefetch(slots);
  }
  void prefetch(std::span<const std::size_t> slots) const {
    for (const std::size_t slot : slots) buckets_.prefetch(slot);
  }

  // The earliest text kept, from position `first` on, that this one is a near duplicate of.
  std::optional<Duplicate> look(std::uint32_t text, std::span<const std::size_t> slots, std::uint32_t first) const {
    if (!has_words(text)) return {};
    thread_local std::vector<std::uint32_t> candidates;
    candidates.clear();
    const Signature& own = signatures_[text];
    int left = settings_.candidates_max;
    for (int band = 0; band < bands_.bands; ++band) {
      std::uint32_t other = buckets_.head(slots[static_cast<std::size_t>(band)]);
      for (; other != kEnd && other >= first && left > 0; other = buckets_.after(band, other)) {
        if (group(other) != group(text) || !buckets_.equal_band(own, signatures_[other], band)) continue;
        candidates.push_back(other);
        --left;
      }
    }
    std::sort(candidates.begin(), candidates.end());
    candidates.erase(std::unique(candidates.begin(), candidates.end()), candidates.end());
    std::optional<std::string> own_text;
    for (const std::uint32_t other : candidates) {
      double jaccard = estimated_jaccard(own, signatures_[other]);
      if (jaccard < estimate_min_) continue;
      if (text_of_) {
        if (!own_text) own_text = text_of_(text);
        jaccard = true_jaccard(*own_text, text_of_(other), settings_.shingle_words);
      }
      if (jaccard >= settings_.threshold) return Duplicate{text, other, jaccard};
    }
    return {};
  }

  std::span<const Signature> signatures_;
  NearDuplicateSettings settings_;
  std::span<const std::uint64_t> groups_;
  const TextReader& text_of_;
  Bands bands_;
  Buckets buckets_;
  double estimate_min_ = 0;
};

}  // namespace

std::vector<Duplicate> near_duplicates(std::span<const Signature> signatures, const NearDuplicateSettings& settings,
                                       int threads, std::span<const std::uint64_t> groups, const TextReader& text_of) {
  RETORT_ASSERT(groups.empty() || groups.size() == signatures.size());
  return Search(signatures, settings, groups, text_of).run(threads);
}

}  // namespace retort
