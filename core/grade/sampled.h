// Figures over problems that were answered several times, and over two evaluations of the same problems.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "core/grade/accuracy.h"

namespace retort {

/// The chance that at least one of `k` answers is right, estimated without bias from `right` of `all` answers: formula
/// 1 of Chen et al. 2021 (arXiv:2107.03374). 1 ≤ k ≤ all, 0 ≤ right ≤ all.
double pass_at_k(std::int64_t all, std::int64_t right, std::int64_t k);

/// Which of the answers most others agree with: the first of the most frequent text that is not empty; the first of all
/// if every text is empty. There must be one.
std::size_t majority(std::span<const std::string> answers);

struct Estimate {
  double mean = 0;
  Interval interval;  ///< 95 %
};

/// The mean of what each problem scored (0 to 1). Answers to one problem are not independent, so problems are what is
/// counted: Student's t over them. If all score alike, by Wilson over the problems.
Estimate mean_of_problems(std::span<const double> scores);

struct PairedDifference {
  Estimate difference;  ///< after − before, −1 to 1
  std::int64_t problems = 0, better = 0, worse = 0;
};

/// Of two evaluations of the same problems, in the same order: Student's t over the differences problem by problem,
/// which leaves out how hard the problems are. If all are equal to each other the interval is their value ± 3/problems
/// (rule of three).
PairedDifference paired_difference(std::span<const double> before, std::span<const double> after);

}  // namespace retort
