// Does a teacher refuse a topic, or only the way it was asked? The same topic is asked plainly and in neutral words,
// and the rates of refusal are compared. Few prompts a topic make wide intervals, and the intervals say so.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace retort {

struct Interval {
  double low = 0, high = 0;
};

/// The score interval of a proportion (E. B. Wilson 1927). `count` of `total`; of nothing: [0, 1].
Interval wilson_interval(std::int64_t count, std::int64_t total, double confidence = 0.95);

/// The interval of the difference p1 - p2 of two independent proportions (R. G. Newcombe 1998, method 10), made of
/// their Wilson intervals. Right for small samples and rates near 0 and 1, where the usual one is not.
Interval newcombe_interval(std::int64_t count1, std::int64_t total1, std::int64_t count2, std::int64_t total2,
                           double confidence = 0.95);

struct TopicCounts {
  std::string topic;
  std::int64_t plain_total = 0, plain_refused = 0;      ///< asked plainly
  std::int64_t neutral_total = 0, neutral_refused = 0;  ///< the same, asked neutrally
};

struct TopicContrast {
  TopicCounts counts;
  double plain_rate = 0, neutral_rate = 0;
  double difference = 0;  ///< plain - neutral
  Interval interval;      ///< of the difference
  bool differs = false;   ///< the interval does not hold 0
};

/// One contrast a topic, the largest difference first (then by name). With several topics the confidence of each is
/// raised (Bonferroni), so that all of them hold together with `confidence`.
std::vector<TopicContrast> contrast_topics(std::span<const TopicCounts> topics, double confidence = 0.95);

}  // namespace retort
