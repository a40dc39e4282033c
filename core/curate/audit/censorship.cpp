#include "core/curate/audit/censorship.h"

#include <algorithm>
#include <cmath>

#include "core/base/assert.h"

namespace retort {
namespace {

double share(std::int64_t count, std::int64_t total) {
  return total == 0 ? 0 : static_cast<double>(count) / static_cast<double>(total);
}

// How many standard deviations hold `confidence` of a normal distribution, by bisection: exact enough, and no table.
double normal_quantile(double confidence) {
  RETORT_ASSERT(confidence > 0 && confidence < 1);
  double low = 0, high = 40;
  for (int i = 0; i < 100; ++i) {
    const double middle = (low + high) / 2;
    (std::erfc(middle / std::sqrt(2.0)) > 1 - confidence ? low : high) = middle;
  }
  return low;
}

}  // namespace

Interval wilson_interval(std::int64_t count, std::int64_t total, double confidence) {
  RETORT_ASSERT(count >= 0 && count <= total);
  if (total == 0) return {0, 1};
  const double z = normal_quantile(confidence), n = static_cast<double>(total), p = share(count, total);
  const double middle = (p + z * z / (2 * n)) / (1 + z * z / n);
  const double half = z / (1 + z * z / n) * std::sqrt(p * (1 - p) / n + z * z / (4 * n * n));
  return {count == 0 ? 0 : std::max(0.0, middle - half), count == total ? 1 : std::min(1.0, middle + half)};
}

Interval newcombe_interval(std::int64_t count1, std::int64_t total1, std::int64_t count2, std::int64_t total2,
                           double confidence) {
  if (total1 == 0 || total2 == 0) return {-1, 1};
  const Interval first = wilson_interval(count1, total1, confidence),
                 second = wilson_interval(count2, total2, confidence);
  const double p1 = share(count1, total1), p2 = share(count2, total2), difference = p1 - p2;
  return {difference - std::hypot(p1 - first.low, second.high - p2),
          difference + std::hypot(first.high - p1, p2 - second.low)};
}

std::vector<TopicContrast> contrast_topics(std::span<const TopicCounts> topics, double confidence) {
  std::vector<TopicContrast> contrasts;
  if (topics.empty()) return contrasts;
  const double each = 1 - (1 - confidence) / static_cast<double>(topics.size());
  for (const TopicCounts& counts : topics) {
    TopicContrast contrast;
    contrast.counts = counts;
    contrast.plain_rate = share(counts.plain_refused, counts.plain_total);
    contrast.neutral_rate = share(counts.neutral_refused, counts.neutral_total);
    contrast.difference = contrast.plain_rate - contrast.neutral_rate;
    contrast.interval =
        newcombe_interval(counts.plain_refused, counts.plain_total, counts.neutral_refused, counts.neutral_total, each);
    contrast.differs = contrast.interval.low > 0 || contrast.interval.high < 0;
    contrasts.push_back(std::move(contrast));
  }
  std::sort(contrasts.begin(), contrasts.end(), [](const TopicContrast& a, const TopicContrast& b) {
    return a.difference != b.difference ? a.difference > b.difference : a.counts.topic < b.counts.topic;
  });
  return contrasts;
}

}  // namespace retort
