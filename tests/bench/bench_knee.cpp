// How close the adaptive number in flight comes to the knee of a self-hosted server that never says 429: the real
// harvester against continuous batching, in a simulated world.
// Usage: bench_knee [--seed N] [--minutes N] [--in-flight-max N] [BATCH…]: a table on stdout. Without a BATCH: 8, 64,
// 512, and a server whose batch changes from 64 to 16 to 128.
// Best is what the server does with its batch always full. Reached is measured after convergence: the first ten-second
// window within 5 % of the best whose three successors are within 5 % on average.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "tests/simulation/world.h"

namespace retort::simulation {
namespace {

constexpr Duration kWindow = 10s;
constexpr Duration kSample = 100ms;

struct Options {
  std::uint64_t seed = 1;
  double minutes = 10;
  int in_flight_max = 4096;
  std::vector<int> batches;
};

WorldSettings world_of(const std::vector<int>& batches, const Options& options) {
  WorldSettings world;
  world.network.latency = 1ms;
  world.network.jitter = 1ms;
  world.lengths = {50, 0.5, 200, 0.8, 100'000};
  BatchingSettings batching;
  batching.batch = batches.front();
  for (std::size_t i = 1; i < batches.size(); ++i)
    batching.changes.emplace_back(from_seconds(options.minutes * 60 * static_cast<double>(i)), batches[i]);
  world.provider.batching = batching;
  ProcessSettings& process = world.processes.front();
  process.prompts = 10'000'000;
  process.harvest.limits.in_flight_max = options.in_flight_max;
  return world;
}

/// Answer tokens a second that a batch decodes when it is always full.
double best_possible(const Questions& questions, int batch) {
  const BatchingSettings batching;
  double tokens = 0, seconds_taken = 0;
  for (std::int64_t prompt = 1; prompt <= 100'000; ++prompt) {
    const auto answer = static_cast<double>(questions.answer_tokens(prompt));
    tokens += answer;
    seconds_taken += seconds(batching.prefill) + answer / batching.tokens_per_second;
  }
  return batch * tokens / seconds_taken;
}

struct Window {
  double throughput = 0, in_flight = 0;
};

std::vector<Window> observe(World& world, Duration length) {
  std::vector<Window> windows;
  const Instant end = world.now() + length;
  for (Instant at = world.now(); at + kWindow <= end; at = at + kWindow) {
    const double before = world.provider().tokens_answered();
    double in_flight = 0;
    int samples = 0;
    for (Instant next = at + kSample; next <= at + kWindow; next = next + kSample) {
      world.run_until(next);
      in_flight += world.provider().in_flight();
      ++samples;
    }
    windows.push_back({(world.provider().tokens_answered() - before) / seconds(kWindow), in_flight / samples});
  }
  return windows;
}

Window mean_from(const std::vector<Window>& windows, std::size_t first, std::size_t count) {
  Window mean;
  const std::size_t last = std::min(windows.size(), first + count);
  for (std::size_t i = first; i < last; ++i) {
    mean.throughput += windows[i].throughput / static_cast<double>(last - first);
    mean.in_flight += windows[i].in_flight / static_cast<double>(last - first);
  }
  return mean;
}

bool print_phase(const char* name, int batch, double best, const std::vector<Window>& windows) {
  // Converged: near the best, and no longer far more in flight than it takes. A busy server's own noise is larger than
  // 5 % in ten seconds if few answers are in them: hence the mean of more.
  constexpr double kFarMore = 1.5;
  std::size_t converged = 0;
  while (converged < windows.size() &&
         (windows[converged].throughput < 0.95 * best || windows[converged].in_flight > kFarMore * batch ||
          mean_from(windows, converged, 4).throughput < 0.95 * best))
    ++converged;
  const bool never = converged == windows.size();
  const Window reached = mean_from(windows, never ? windows.size() / 2 : converged, windows.size());
  const double share = 100 * reached.throughput / best, ratio = reached.in_flight / batch;
  const bool good = !never && share >= 95 && ratio <= 1.3;
  const double after = seconds(kWindow) * static_cast<double>(converged);
  std::printf("%-12s  %5d  %9.0f  %9.0f  %6.1f %%  %10s  %9.1f  %5.2f  %s\n", name, batch, best, reached.throughput,
              share, never ? "never" : (std::to_string(static_cast<int>(after)) + " s").c_str(), reached.in_flight,
              ratio, good ? "" : "MISSES");
  std::fflush(stdout);
  return good;
}

int run(const Options& options) {
  std::printf("%-12s  %5s  %9s  %9s  %8s  %10s  %9s  %5s\n", "server", "B", "best t/s", "reached", "of best",
              "converged", "in flight", "/ B");
  std::vector<std::vector<int>> servers = {{8}, {64}, {512}, {64, 16, 128}};
  if (!options.batches.empty()) servers = {options.batches};
  int phases = 0, good = 0;
  for (const std::vector<int>& batches : servers) {
    World world(world_of(batches, options), options.seed);
    for (std::size_t i = 0; i < batches.size(); ++i) {
      const std::vector<Window> windows = observe(world, from_seconds(options.minutes * 60));
      good += print_phase(i == 0 ? (batches.size() > 1 ? "changing" : "steady") : "  then",  //
                          batches[i], best_possible(world.questions(), batches[i]), windows)
                  ? 1
                  : 0;
      ++phases;
    }
  }
  std::printf("%d of %d within 5 %% of the best at no more than 1.3 times the knee\n", good, phases);
  return 0;
}

}  // namespace
}  // namespace retort::simulation

int main(int count, char** arguments) {
  retort::simulation::Options options;
  for (int i = 1; i < count; ++i) {
    const std::string word = arguments[i];
    if (word.rfind("--", 0) != 0) {
      options.batches.push_back(std::max(1, std::atoi(word.c_str())));
      continue;
    }
    const double value = i + 1 < count ? std::atof(arguments[++i]) : 0;
    if (word == "--seed") {
      options.seed = static_cast<std::uint64_t>(value);
    } else if (word == "--minutes" && value > 0) {
      options.minutes = value;
    } else if (word == "--in-flight-max" && value >= 1) {
      options.in_flight_max = static_cast<int>(value);
    } else {
      std::fprintf(stderr, "bench_knee: cannot use %s\n", word.c_str());
      return 2;
    }
  }
  return retort::simulation::run(options);
}
