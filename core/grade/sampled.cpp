#include "core/grade/sampled.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <string_view>
#include <vector>

#include "core/base/assert.h"

namespace retort {
namespace {

// The 97.5 % point of Student's t: Cornish and Fisher's expansion, good to 0.2 % from 5 degrees of freedom on; the few
// before that by table.
double student_t(std::int64_t freedom) {
  constexpr double kFew[] = {12.706, 4.303, 3.182, 2.776};
  if (freedom <= 4) return kFew[std::max<std::int64_t>(1, freedom) - 1];
  const double z = 1.959963984540054, v = static_cast<double>(freedom);
  return z + (std::pow(z, 3) + z) / (4 * v) + (5 * std::pow(z, 5) + 16 * std::pow(z, 3) + 3 * z) / (96 * v * v) +
         (3 * std::pow(z, 7) + 19 * std::pow(z, 5) + 17 * std::pow(z, 3) - 15 * z) / (384 * v * v * v);
}

struct Spread {
  double mean = 0, half = 0;
};
Spread spread_of(std::span<const double> values) {
  const double n = static_cast<double>(values.size());
  double sum = 0, squares = 0;
  for (const double value : values) sum += value;
  const double mean = sum / n;
  for (const double value : values) squares += (value - mean) * (value - mean);
  if (values.size() < 2) return {mean, 0};
  return {mean, student_t(static_cast<std::int64_t>(values.size()) - 1) * std::sqrt(squares / (n - 1) / n)};
}

}  // namespace

double pass_at_k(std::int64_t all, std::int64_t right, std::int64_t k) {
  RETORT_ASSERT(1 <= k && k <= all && 0 <= right && right <= all);
  if (all - right < k) return 1;
  double none = 1;  // the product form: binomials of a hundred answers overflow
  for (std::int64_t i = all - right + 1; i <= all; ++i) none *= 1 - static_cast<double>(k) / static_cast<double>(i);
  return 1 - none;
}

std::size_t majority(std::span<const std::string> answers) {
  RETORT_ASSERT(!answers.empty());
  std::map<std::string_view, std::int64_t> votes;
  for (const std::string& answer : answers) votes[answer] += answer.empty() ? 0 : 1;
  std::size_t best = 0;
  for (std::size_t i = 1; i < answers.size(); ++i) {
    if (votes[answers[i]] > votes[answers[best]]) best = i;
  }
  return best;
}

Estimate mean_of_problems(std::span<const double> scores) {
  if (scores.empty()) return {};
  const Spread spread = spread_of(scores);
  if (spread.half > 0)
    return {spread.mean, {std::max(0.0, spread.mean - spread.half), std::min(1.0, spread.mean + spread.half)}};
  const auto count = static_cast<std::int64_t>(scores.size());
  return {spread.mean, wilson_interval(std::llround(spread.mean * static_cast<double>(count)), count)};
}

PairedDifference paired_difference(std::span<const double> before, std::span<const double> after) {
  RETORT_ASSERT(before.size() == after.size());
  PairedDifference result;
  result.problems = static_cast<std::int64_t>(before.size());
  if (before.empty()) return {{0, {-1, 1}}, 0, 0, 0};
  std::vector<double> differences;
  for (std::size_t i = 0; i < before.size(); ++i) {
    differences.push_back(after[i] - before[i]);
    result.better += after[i] > before[i] ? 1 : 0;
    result.worse += after[i] < before[i] ? 1 : 0;
  }
  Spread spread = spread_of(differences);
  if (spread.half == 0) spread.half = 3 / static_cast<double>(before.size());
  result.difference = {spread.mean,
                       {std::max(-1.0, spread.mean - spread.half), std::min(1.0, spread.mean + spread.half)}};
  return result;
}

}  // namespace retort
