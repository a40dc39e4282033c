#include "core/curate/select/selection.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <map>
#include <numeric>
#include <unordered_map>

#include "core/base/assert.h"
#include "core/base/random.h"
#include "core/curate/words.h"

namespace retort {
namespace {

// The same on every machine, as std::hash is not.
std::uint64_t chance_of(std::string_view key, std::uint64_t seed) {
  std::uint64_t hash = mixed_bits(seed ^ 0x9e3779b97f4a7c15ULL);
  for (const char c : key) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
  return mixed_bits(hash);
}

Positions all_positions(std::size_t count) {
  Positions positions(count);
  std::iota(positions.begin(), positions.end(), 0U);
  return positions;
}

Positions by_chance(std::span<const Candidate> pairs, std::uint64_t seed) {
  std::vector<std::uint64_t> chances;
  chances.reserve(pairs.size());
  for (const Candidate& pair : pairs) chances.push_back(chance_of(pair.key, seed));
  Positions order = all_positions(pairs.size());
  std::stable_sort(order.begin(), order.end(),
                   [&](std::uint32_t a, std::uint32_t b) { return chances[a] < chances[b]; });
  return order;
}

// Greedy: a later choice is always the one whose nearest neighbour among the chosen is farthest.
Positions most_diverse(const Positions& group, std::size_t k, std::span<const Signature> signatures) {
  Positions chosen{group.front()};
  std::vector<double> nearest(group.size(), 0);  // likeness to the nearest chosen
  while (chosen.size() < std::min(k, group.size())) {
    std::size_t best = group.size();
    for (std::size_t i = 0; i < group.size(); ++i) {
      nearest[i] = std::max(nearest[i], group[i] == chosen.back()
                                            ? 2.0
                                            : estimated_jaccard(signatures[group[i]], signatures[chosen.back()]));
      if (nearest[i] < 2 && (best == group.size() || nearest[i] < nearest[best])) best = i;
    }
    chosen.push_back(group[best]);
  }
  return chosen;
}

}  // namespace

Positions at_most_per_prompt(std::span<const Candidate> pairs, int k, Prefer prefer,
                             std::span<const Signature> signatures) {
  RETORT_ASSERT(prefer != Prefer::diverse || signatures.size() == pairs.size());
  if (k < 1) return {};
  std::unordered_map<std::string_view, Positions> prompts;
  for (std::uint32_t i = 0; i < pairs.size(); ++i) prompts[pairs[i].prompt].push_back(i);
  Positions kept;
  for (auto& [prompt, group] : prompts) {
    if (prefer == Prefer::shortest || prefer == Prefer::longest) {
      std::stable_sort(group.begin(), group.end(), [&](std::uint32_t a, std::uint32_t b) {
        return prefer == Prefer::shortest ? pairs[a].tokens < pairs[b].tokens : pairs[a].tokens > pairs[b].tokens;
      });
    }
    const Positions best =
        prefer == Prefer::diverse ? most_diverse(group, static_cast<std::size_t>(k), signatures) : group;
    kept.insert(kept.end(), best.begin(), best.begin() + std::min<std::ptrdiff_t>(k, std::ssize(best)));
  }
  std::sort(kept.begin(), kept.end());
  return kept;
}

Positions in_length_band(std::span<const Candidate> pairs, const Band& tokens) {
  Positions kept;
  for (std::uint32_t i = 0; i < pairs.size(); ++i) {
    if (tokens.holds(static_cast<double>(pairs[i].tokens))) kept.push_back(i);
  }
  return kept;
}

Positions in_difficulty_band(std::span<const double> pass_rates, const Band& pass_rate) {
  const bool binds = pass_rate.low || pass_rate.high;
  Positions kept;
  for (std::uint32_t i = 0; i < pass_rates.size(); ++i) {
    if (std::isnan(pass_rates[i]) ? !binds : pass_rate.holds(pass_rates[i])) kept.push_back(i);
  }
  return kept;
}

Positions balanced(std::span<const Candidate> pairs, double times, std::uint64_t seed) {
  std::map<std::string_view, std::size_t> counts;
  for (const Candidate& pair : pairs) ++counts[pair.field];
  std::size_t rarest = pairs.size();
  for (const auto& [field, count] : counts) rarest = std::min(rarest, count);
  const auto most = static_cast<std::size_t>(std::max(1.0, times) * static_cast<double>(rarest));
  Positions kept;
  std::map<std::string_view, std::size_t> taken;
  for (const std::uint32_t i : by_chance(pairs, seed)) {
    if (taken[pairs[i].field]++ < most) kept.push_back(i);
  }
  std::sort(kept.begin(), kept.end());
  return kept;
}

Positions within_tokens(std::span<const Candidate> pairs, std::int64_t tokens, std::uint64_t seed) {
  Positions kept;
  for (const std::uint32_t i : by_chance(pairs, seed)) {
    if (pairs[i].tokens > tokens) break;
    tokens -= pairs[i].tokens;
    kept.push_back(i);
  }
  std::sort(kept.begin(), kept.end());
  return kept;
}

}  // namespace retort
