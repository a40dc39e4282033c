#include "core/curate/pipeline/wants.h"

#include <algorithm>
#include <cmath>

namespace retort {
namespace {

struct Prompt {
  RowId id = 0;
  std::vector<bool> right;  ///< by sample
  double cost = 0;
};

std::vector<Prompt> by_prompt(const PipelineResult& result, const WantSettings& settings) {
  std::vector<Graded> graded = result.graded;
  if (settings.only != nullptr)
    std::erase_if(graded, [&](const Graded& one) { return !settings.only->contains(one.prompt_hash); });
  std::stable_sort(graded.begin(), graded.end(), [](const Graded& a, const Graded& b) {
    return a.prompt != b.prompt ? a.prompt < b.prompt : a.sample < b.sample;
  });
  std::vector<Prompt> prompts;
  for (const Graded& one : graded) {
    if (prompts.empty() || prompts.back().id != one.prompt) prompts.push_back({one.prompt, {}});
    prompts.back().right.push_back(one.right);
    prompts.back().cost += one.cost.dollars();
  }
  return prompts;
}

int rights_of(const Prompt& prompt) {
  return static_cast<int>(std::count(prompt.right.begin(), prompt.right.end(), true));
}

// By moments of the pass rates, between a flat prior and one worth ten answers.
void fit_prior(const std::vector<double>& rates, SamplingReport& report) {
  double mean = 0, variance = 0;
  for (const double rate : rates) mean += rate / static_cast<double>(rates.size());
  for (const double rate : rates) variance += (rate - mean) * (rate - mean) / static_cast<double>(rates.size());
  mean = std::clamp(mean, 0.01, 0.99);
  const double weight = variance > 0 ? std::clamp(mean * (1 - mean) / variance - 1, 1.0, 10.0) : 2.0;
  report.prior_right = mean * weight;
  report.prior_wrong = (1 - mean) * weight;
}

/// Samples of each prompt that were asked: truncated and failed ones too, since their numbers are taken. What a cap or
/// a crash left pending was not.
Result<std::unordered_map<RowId, int>> asked(CorpusReader& reader) {
  std::unordered_map<RowId, int> all;
  RowId after = 0;
  while (true) {
    const auto page = reader.samples_after(after, 10'000);
    if (!page) return fail(page.error());
    if (page->empty()) return all;
    for (const auto& [prompt, samples] : *page) all[prompt] = samples;
    after = page->back().first;
  }
}

/// The mean of min(K, X) for X right ones of N, where the chance of each has the distribution Beta(a, b).
double expected_accepted(int verified, int samples, double a, double b) {
  const auto log_beta = [](double x, double y) { return std::lgamma(x) + std::lgamma(y) - std::lgamma(x + y); };
  double accepted = verified;
  for (int j = 0; j < std::min(verified, samples + 1); ++j) {
    const double log_choose = std::lgamma(samples + 1.0) - std::lgamma(j + 1.0) - std::lgamma(samples - j + 1.0);
    accepted -= (verified - j) * std::exp(log_choose + log_beta(j + a, samples - j + b) - log_beta(a, b));
  }
  return std::clamp<double>(accepted, 0, std::min(verified, samples));
}

double share_of(double part, double all) { return all > 0 ? part / all : 0; }

}  // namespace

double unbiased_pass_rate(const std::vector<bool>& right, int verified) {
  int found = 0;
  for (std::size_t n = 1; n <= right.size(); ++n) {
    if (!right[n - 1] || ++found < verified) continue;
    return n == 1 ? 1.0 : static_cast<double>(verified - 1) / static_cast<double>(n - 1);
  }
  return share_of(found, static_cast<double>(right.size()));
}

Result<SamplingReport> want_samples(CorpusReader& reader, CurationLog& log, const PipelineResult& result,
                                    const WantSettings& settings) {
  const std::vector<Prompt> prompts = by_prompt(result, settings);
  if (prompts.empty()) {
    return fail(Errc::usage,
                "no answer could be graded: that takes a recipe with a stage that verifies (in rounds: or --grader), "
                "and prompts "
                "with what it grades against, such as a reference");
  }
  const auto samples = asked(reader);
  if (!samples) return fail(samples.error());
  SamplingReport report;
  std::vector<double> rates;
  double right = 0;
  const auto count = static_cast<double>(prompts.size());
  for (const Prompt& prompt : prompts) {
    rates.push_back(unbiased_pass_rate(prompt.right, settings.verified));
    report.pass_rate += rates.back() / count;
    report.pass_rate_uncorrected += share_of(rights_of(prompt), static_cast<double>(prompt.right.size())) / count;
    report.graded += static_cast<std::int64_t>(prompt.right.size());
    report.cost += prompt.cost;
    right += rights_of(prompt);
  }
  report.prompts = static_cast<std::int64_t>(prompts.size());
  report.pass_rate_pooled = share_of(right, static_cast<double>(report.graded));
  fit_prior(rates, report);

  std::vector<Want> wants;
  for (const Prompt& prompt : prompts) {
    const int rights = rights_of(prompt);
    report.accepted += std::min(rights, settings.verified);
    const auto answers = static_cast<double>(prompt.right.size());
    report.fixed_cost += settings.samples_max * prompt.cost / answers;
    report.fixed_accepted += expected_accepted(settings.verified, settings.samples_max, report.prior_right + rights,
                                               report.prior_wrong + answers - rights);
    const auto tally = result.tallies.find(prompt.id);
    const auto found = samples->find(prompt.id);
    const int there = std::max(static_cast<int>(prompt.right.size()), found == samples->end() ? 0 : found->second);
    if (rights >= settings.verified) {
      ++report.satisfied;
    } else if (tally != result.tallies.end() && tally->second.refused) {
      ++report.refused;
    } else if (there >= settings.samples_max) {
      ++report.exhausted;
    } else {
      const double chance = (report.prior_right + rights) / (report.prior_right + report.prior_wrong + answers);
      const int lacking = settings.verified - rights;
      const int more = static_cast<int>(std::min<double>(std::ceil(lacking / chance), settings.samples_max - there));
      wants.push_back({prompt.id, there + more, chance,
                       std::to_string(rights) + " of " + std::to_string(prompt.right.size()) + " right, " +
                           std::to_string(lacking) + " lacking"});
      report.wanted_samples += more;
    }
  }
  report.wanted_prompts = static_cast<std::int64_t>(wants.size());
  report.cost_per_accepted = share_of(report.cost, static_cast<double>(report.accepted));
  report.cost_per_accepted_fixed = share_of(report.fixed_cost, report.fixed_accepted);
  if (auto done = log.put(wants); !done) return fail(done.error());
  return report;
}

Json to_json(const SamplingReport& report) {
  return {{"prompts", report.prompts},
          {"satisfied", report.satisfied},
          {"exhausted", report.exhausted},
          {"refused", report.refused},
          {"wanted_prompts", report.wanted_prompts},
          {"wanted_samples", report.wanted_samples},
          {"prior", {report.prior_right, report.prior_wrong}},
          {"pass_rate", report.pass_rate},
          {"pass_rate_uncorrected", report.pass_rate_uncorrected},
          {"pass_rate_pooled", report.pass_rate_pooled},
          {"graded", report.graded},
          {"accepted", report.accepted},
          {"usd", report.cost},
          {"usd_per_accepted", report.cost_per_accepted},
          {"fixed_accepted", report.fixed_accepted},
          {"fixed_usd", report.fixed_cost},
          {"usd_per_accepted_at_fixed_samples", report.cost_per_accepted_fixed}};
}

std::string describe(const SamplingReport& report) {
  const auto rounded = [](double value) {
    std::string text = std::to_string(std::round(value * 1000) / 1000);
    return text.substr(0, text.find('.') + 4);
  };
  const auto at = [](double dollars, double each) {
    return dollars > 0 && each > 0 ? ", at $" + std::to_string(each) + " each" : std::string();
  };
  return "wanted: " + std::to_string(report.wanted_samples) + " more samples of " +
         std::to_string(report.wanted_prompts) + " prompts; " + std::to_string(report.satisfied) + " have enough, " +
         std::to_string(report.exhausted) + " were asked as often as allowed, " + std::to_string(report.refused) +
         " were declined\npass rate: " + rounded(report.pass_rate) + " corrected for stopping (" +
         rounded(report.pass_rate_uncorrected) + " without)\naccepted: " + std::to_string(report.accepted) + " of " +
         std::to_string(report.graded) + " graded answers" + at(report.cost, report.cost_per_accepted) +
         "; with a fixed number of samples for every prompt it would be about " +
         std::to_string(std::llround(report.fixed_accepted)) + at(report.fixed_cost, report.cost_per_accepted_fixed);
}

}  // namespace retort
