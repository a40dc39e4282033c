// The pass rate that sampling with a stopping rule tells: unbiased by enumeration, and in simulated harvests whose
// rounds are those of want_samples() itself.
#include "core/curate/pipeline/wants.h"

#include <cmath>

#include "core/base/random.h"
#include "tests/catch.h"
#include "tests/support/memory_reader.h"

namespace retort {
namespace {

// Every sequence of N answers, with its probability, stopped at the K-th right one.
double expected_estimate(int verified, int samples, double rate) {
  double expected = 0;
  for (int bits = 0; bits < 1 << samples; ++bits) {
    std::vector<bool> right;
    double probability = 1;
    for (int i = 0; i < samples; ++i) {
      right.push_back((bits >> i & 1) != 0);
      probability *= right.back() ? rate : 1 - rate;
    }
    int found = 0;
    for (std::size_t i = 0; i < right.size(); ++i) {
      found += right[i] ? 1 : 0;
      if (found == verified) right.resize(i + 1);
    }
    expected += probability * unbiased_pass_rate(right, verified);
  }
  return expected;
}

TEST_CASE("the corrected pass rate is unbiased, however sampling was stopped or cut off", "[unit][curate]") {
  for (const double rate : {0.05, 0.3, 0.8}) {
    for (const int verified : {1, 2, 3, 5}) {
      for (const int samples : {5, 9}) {
        CAPTURE(rate, verified, samples);
        CHECK(expected_estimate(verified, samples, rate) == Approx(rate).epsilon(1e-9));
      }
    }
  }
  // What was asked beyond the K-th right one, in the same batch, does not count.
  CHECK(unbiased_pass_rate({false, true, true, false, false}, 2) == Approx(0.5));
}

/// Keeps the wants alone: nothing else of a log is touched by them.
class WantLog final : public CurationLog {
 public:
  std::vector<Want> wants;

  Result<RowId> stage(const StageRecord&) override { return RowId{1}; }
  Result<std::vector<StoredLabel>> labels(RowId, RowId, RowId) override { return std::vector<StoredLabel>(); }
  Result<void> put(std::span<const std::pair<RowId, StoredLabel>>) override { return {}; }
  Result<RowId> begin_view(const ViewRecord&) override { return RowId{1}; }
  Result<void> add(RowId, std::int64_t, std::span<const ViewEntry>) override { return {}; }
  Result<void> add(RowId, std::span<const ViewDrop>) override { return {}; }
  Result<void> end_view(RowId, const ViewRecord&) override { return {}; }
  Result<void> clear_unfinished_views() override { return {}; }
  Result<void> put(std::span<const Want> all) override {
    wants.assign(all.begin(), all.end());
    return {};
  }
  Result<void> put(std::span<const MadePrompt>) override { return {}; }
  Result<void> close(const RunEnd&) override { return {}; }
};

struct Told {
  double truth = 0;  ///< the mean of the prompts' chances
  SamplingReport report;
};

// A teacher who gets each prompt right with a chance of its own, most of them seldom, asked in rounds until nothing is
// wanted.
Told harvested(std::uint64_t seed, int prompts, const WantSettings& settings) {
  Random random(seed);
  MemoryReader reader;
  WantLog log;
  PipelineResult result;
  std::vector<double> chances;
  std::vector<int> asked(static_cast<std::size_t>(prompts), 0);
  Told told;
  for (int i = 0; i < prompts; ++i) {
    const double draw = random.uniform();
    chances.push_back(0.02 + 0.96 * draw * draw);
    told.truth += chances.back() / prompts;
    log.wants.push_back({i + 1, 1, 1, ""});
  }
  while (!log.wants.empty()) {
    for (const Want& want : log.wants) {
      const auto at = static_cast<std::size_t>(want.prompt - 1);
      REQUIRE(want.samples > asked[at]);
      REQUIRE(want.samples <= settings.samples_max);
      for (; asked[at] < want.samples; ++asked[at])
        result.graded.push_back({want.prompt, asked[at], random.chance(chances[at]), Usd{}, 0});
    }
    const auto report = want_samples(reader, log, result, settings);
    REQUIRE(report);
    told.report = *report;
  }
  return told;
}

/// Of a list of errors.
struct Bias {
  double mean = 0, standard_error = 0;
};

Bias bias_of(const std::vector<double>& errors) {
  const auto count = static_cast<double>(errors.size());
  Bias bias;
  double squares = 0;
  for (const double error : errors) bias.mean += error / count;
  for (const double error : errors) squares += (error - bias.mean) * (error - bias.mean);
  bias.standard_error = std::sqrt(squares / (count - 1) / count);
  return bias;
}

TEST_CASE("harvests by the stopping rule: the corrected pass rate has no bias, what is merely counted has",
          "[unit][curate]") {
  constexpr int kWorlds = 60, kPrompts = 400;
  struct Rule {
    int verified, samples_max;
  };
  const auto [verified, samples_max] = GENERATE(Rule{1, 8}, Rule{2, 12}, Rule{4, 16});
  std::vector<double> corrected, uncorrected, pooled;
  for (int world = 0; world < kWorlds; ++world) {
    const Told told = harvested(20260101 + static_cast<std::uint64_t>(world), kPrompts, {verified, samples_max, {}});
    CHECK(told.report.prompts == kPrompts);
    CHECK(told.report.satisfied + told.report.exhausted == kPrompts);
    corrected.push_back(told.report.pass_rate - told.truth);
    uncorrected.push_back(told.report.pass_rate_uncorrected - told.truth);
    pooled.push_back(told.report.pass_rate_pooled - told.truth);
  }
  const Bias right = bias_of(corrected), naive = bias_of(uncorrected), all = bias_of(pooled);
  CAPTURE(verified, samples_max, right.mean, right.standard_error, naive.mean, naive.standard_error, all.mean);
  CHECK(std::abs(right.mean) < 3 * right.standard_error);
  CHECK(right.standard_error < 0.005);
  CHECK(naive.mean > 10 * naive.standard_error);
  CHECK(all.mean < -10 * all.standard_error);
}

}  // namespace
}  // namespace retort
