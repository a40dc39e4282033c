// How many more answers does a prompt deserve? More only where fewer than K are verified, and first where another one
// is most likely to be right: the pass rate's posterior is a Beta distribution, its prior fitted to all prompts.
#pragma once

#include <string>
#include <unordered_set>

#include "core/corpus/corpus.h"
#include "core/curate/pipeline/pipeline.h"

namespace retort {

struct WantSettings {
  int verified = 1;     ///< K: right answers wanted of each prompt
  int samples_max = 1;  ///< N: no prompt is asked more often
  /// Only these prompts, by prompt_hash_of(); null: all.
  const std::unordered_set<std::uint64_t>* only = nullptr;
};

struct SamplingReport {
  std::int64_t prompts = 0;    ///< with at least one graded answer
  std::int64_t satisfied = 0;  ///< K right
  std::int64_t exhausted = 0;  ///< N asked and not K right
  std::int64_t refused = 0;    ///< the teacher declined: nothing more is asked
  std::int64_t wanted_prompts = 0, wanted_samples = 0;
  double prior_right = 1, prior_wrong = 1;  ///< of the Beta distribution
  double pass_rate = 0;                     ///< mean over prompts of unbiased_pass_rate()
  double pass_rate_uncorrected = 0;  ///< mean over prompts of right / asked, which stopping at K right pulls upward
  double pass_rate_pooled = 0;       ///< all right / all asked, which prompts that were asked more often pull down
  std::int64_t graded = 0;           ///< answers that were right or wrong
  std::int64_t accepted = 0;         ///< right answers, at most K of a prompt
  double cost = 0;                   ///< dollars, of the graded answers
  double cost_per_accepted = 0;      ///< 0 if nothing was accepted
  // The same with N samples of every prompt, as it is to be expected: a prompt's sample costs what its samples did cost
  // on average, and of N as many are right as its Beta distribution (prior and answers) says.
  double fixed_accepted = 0, fixed_cost = 0, cost_per_accepted_fixed = 0;
};

/// Replaces the wants in the corpus. Errc::usage if nothing was graded.
Result<SamplingReport> want_samples(CorpusReader& reader, CurationLog& log, const PipelineResult& result,
                                    const WantSettings& settings);
Json to_json(const SamplingReport& report);
/// Two lines for people.
std::string describe(const SamplingReport& report);

/// The unbiased estimate of a pass rate from answers in the order of their samples, stopped at the K-th right one or
/// after N: (K - 1) / (n - 1) with the K-th right at n (for K = n = 1: 1), else right / asked. The first is inverse
/// sampling (Haldane 1945, On a method of estimating frequencies, Biometrika 33); that both together stay unbiased if
/// sampling is cut off at N is shown by Girshick, Mosteller and Savage 1946 (Unbiased estimates for certain binomial
/// sampling problems): each is the chance that the first sample was right, given where the sampling ended. What came
/// after the K-th right one does not count. Of one prompt alone it says little (for K = 1 it is 0 or 1); the mean over
/// prompts is what it is for.
double unbiased_pass_rate(const std::vector<bool>& right, int verified);

}  // namespace retort
