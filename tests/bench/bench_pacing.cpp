// How much of an allowance a harvest uses, and how many refusals that costs, against every kind of gateway that
// enforces 3,000 requests and 300,000 tokens a minute: the real harvester in a simulated world.
// Usage: bench_pacing [--seed N] [--minutes N] [--warm-up SECONDS] [--latency MS] [--counted-usage] [WORD…]
//   WORD: only rows whose name contains it, as 'bind=tokens', 'bucket=60s', 'retry-after=exact', 'factor=1.15',
//   'refused=charged', 'limits=learned', 'headers=none'.
// The allowance is that of the minutes after the warm-up, in which the first burst goes; in per cent of the meter that
// binds. --counted-usage: replies state tokens as the gateway counts them, where it counts more than the tokenizer.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "tests/simulation/world.h"

namespace retort::simulation {
namespace {

constexpr double kRequestsPerMinute = 3000;
constexpr double kTokensPerMinute = 300'000;

struct Options {
  std::uint64_t seed = 1;
  double minutes = 10;
  double warm_up = 60;
  double latency_ms = 50;
  bool counted_usage = false;
  std::vector<std::string> words;
};

struct Row {
  bool tokens_bind, long_bucket, exact, counts_more, charges, configured, headers;

  std::string name() const {
    std::string text = tokens_bind ? "bind=tokens  " : "bind=requests";
    text += long_bucket ? " bucket=60s" : " bucket=1s ";
    text += exact ? " retry-after=exact" : " retry-after=whole";
    text += counts_more ? " factor=1.15" : " factor=1   ";
    text += charges ? " refused=charged" : " refused=free   ";
    text += configured ? " limits=configured" : " limits=learned   ";
    text += headers ? " headers=sent" : " headers=none";
    return text;
  }
};

WorldSettings world_of(const Row& row, const Options& options) {
  WorldSettings world;
  world.network.latency = from_seconds(options.latency_ms / 1000);
  world.network.jitter = world.network.latency / 2;
  world.lengths.prompt_median = row.tokens_bind ? 100 : 30;
  world.lengths.prompt_sigma = 0.6;
  world.lengths.answer_median = row.tokens_bind ? 80 : 25;
  world.lengths.answer_sigma = 0.8;
  world.lengths.most = 1000;
  GatewaySettings& gateway = world.provider.gateway;
  gateway.requests_per_minute = kRequestsPerMinute;
  gateway.tokens_per_minute = kTokensPerMinute;
  gateway.bucket = row.long_bucket ? 60s : 1s;
  gateway.whole_second_retry_after = !row.exact;
  gateway.token_factor = row.counts_more ? 1.15 : 1;
  gateway.charges_refused = row.charges;
  gateway.sends_limits = row.headers;
  world.provider.usage_factor = options.counted_usage ? gateway.token_factor : 1;
  ProcessSettings& process = world.processes.front();
  process.prompts = 10'000'000;
  process.harvest.limits.in_flight_max = 1000;
  if (row.configured) {
    process.harvest.limits.requests_per_minute = kRequestsPerMinute;
    process.harvest.limits.tokens_per_minute = kTokensPerMinute;
  }
  return world;
}

struct Totals {
  int rows = 0, good = 0;
  double least = 1e9, refusals_most = 0;
};

void measure(const Row& row, const Options& options, Totals& totals) {
  World world(world_of(row, options), options.seed);
  const Gateway& gateway = world.provider().gateway();
  const Duration warm_up = from_seconds(options.warm_up), measured = from_seconds(options.minutes * 60);
  world.run_until(World::kStart + warm_up);
  const auto admitted = gateway.admitted(), refused = gateway.refused();
  const double tokens = gateway.admitted_tokens();
  world.run_until(World::kStart + warm_up + measured);
  const double successes = static_cast<double>(gateway.admitted() - admitted);
  const double of_requests = successes / (kRequestsPerMinute * options.minutes);
  const double of_tokens = (gateway.admitted_tokens() - tokens) / (kTokensPerMinute * options.minutes);
  const double used = 100 * std::max(of_requests, of_tokens);
  const double refusals = static_cast<double>(gateway.refused() - refused) / std::max(1.0, successes);
  const auto given_up = world.process(0).failed_rows();
  const bool good = used >= 98.5 && refusals <= 0.02 && given_up == 0;
  std::printf("%s  %6.2f %%  %7.4f  %5lld  first %5lld refused  %s\n", row.name().c_str(), used, refusals,
              static_cast<long long>(given_up), static_cast<long long>(refused), good ? "" : "MISSES");
  std::fflush(stdout);
  ++totals.rows;
  totals.good += good ? 1 : 0;
  totals.least = std::min(totals.least, used);
  totals.refusals_most = std::max(totals.refusals_most, refusals);
}

bool wanted(const Row& row, const Options& options) {
  const std::string name = row.name();
  return std::all_of(options.words.begin(), options.words.end(),
                     [&](const std::string& word) { return name.find(word) != std::string::npos; });
}

int run(const Options& options) {
  std::printf(
      "allowance used after the first burst (target 98.5 %%), refusals per success (0.02), rows given up (0)\n");
  Totals totals;
  for (int bits = 0; bits < 128; ++bits) {
    const auto bit = [&](int which) { return (bits >> which & 1) != 0; };
    const Row row{bit(6), !bit(5), !bit(4), bit(3), bit(2), !bit(1), !bit(0)};
    if (wanted(row, options)) measure(row, options, totals);
  }
  if (totals.rows == 0) {
    std::fprintf(stderr, "bench_pacing: no row has all of these words\n");
    return 2;
  }
  std::printf("%d of %d rows reach the targets; least used %.2f %%, most refusals per success %.4f\n", totals.good,
              totals.rows, totals.least, totals.refusals_most);
  return 0;
}

}  // namespace
}  // namespace retort::simulation

int main(int count, char** arguments) {
  retort::simulation::Options options;
  const std::vector<std::string> words(arguments + 1, arguments + count);
  for (std::size_t i = 0; i < words.size(); ++i) {
    const bool last = i + 1 == words.size();
    if (words[i] == "--counted-usage") {
      options.counted_usage = true;
    } else if (words[i].rfind("--", 0) != 0) {
      options.words.push_back(words[i]);
    } else if (last) {
      std::fprintf(stderr, "bench_pacing: %s needs a value\n", words[i].c_str());
      return 2;
    } else {
      const std::string& name = words[i];
      const double value = std::atof(words[++i].c_str());
      if (name == "--seed") {
        options.seed = static_cast<std::uint64_t>(value);
      } else if (name == "--minutes") {
        options.minutes = value;
      } else if (name == "--warm-up") {
        options.warm_up = value;
      } else if (name == "--latency") {
        options.latency_ms = value;
      } else {
        std::fprintf(stderr, "bench_pacing: no option %s\n", name.c_str());
        return 2;
      }
    }
  }
  return retort::simulation::run(options);
}
