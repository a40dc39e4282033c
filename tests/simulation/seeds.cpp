#include "tests/simulation/seeds.h"

#include <algorithm>
#include <cstdio>

namespace retort::simulation {
namespace {

void draw_teacher(Random& random, WorldSettings& world) {
  world.network.latency = random.jitter(500ms) + 1ms;
  world.network.jitter = random.jitter(200ms);
  ProviderSettings& provider = world.provider;
  provider.prefill = random.jitter(1s) + 1ms;
  if (random.chance(0.3)) world.lengths = {20, 0.7, 30, 0.8, 200};
  if (random.chance(0.5)) {
    GatewaySettings& gateway = provider.gateway;
    gateway.requests_per_minute = static_cast<double>(random.between(300, 6000));
    if (random.chance(0.4)) gateway.tokens_per_minute = gateway.requests_per_minute * 40;
    gateway.bucket = random.chance(0.5) ? 1s : 60s;
    gateway.fixed_windows = random.chance(0.2);
    gateway.whole_second_retry_after = random.chance(0.5);
    gateway.charges_refused = random.chance(0.2);
    gateway.sends_retry_after = random.chance(0.8);
    gateway.sends_limits = random.chance(0.5);
    if (random.chance(0.2)) gateway.token_factor = 1.15;
    if (random.chance(0.2)) gateway.in_flight_max = static_cast<int>(random.between(2, 40));
  } else if (random.chance(0.2)) {
    provider.batching = BatchingSettings{static_cast<int>(random.between(1, 32)), 50, 100ms, {}};
  }
}

void draw_faults(Random& random, WorldSettings& world) {
  FaultSettings& faults = world.provider.faults;
  if (random.chance(0.5)) faults.transient = random.uniform() * 0.2;
  if (random.chance(0.2)) faults.permanent = random.uniform() * 0.05;
  if (random.chance(0.2)) faults.silence = random.uniform() * 0.02;
  if (random.chance(0.1)) faults.stop = random.uniform() * 0.01;
  if (random.chance(0.2)) faults.odd_retry_after = random.uniform() * 0.3;
  if (random.chance(0.1)) faults.down_every = 20s;
  NetworkSettings& network = world.network;
  if (random.chance(0.4)) network.unreachable = random.uniform() * 0.1;
  if (random.chance(0.4)) network.reset = random.uniform() * 0.05;
  if (random.chance(0.4)) network.reset_back = random.uniform() * 0.05;
  if (random.chance(0.15)) world.suspended_every = 20s;
  if (random.chance(0.1)) world.wall_steps_every = 20s;
}

void draw_process(Random& random, const WorldSettings& world, ProcessSettings& process) {
  process.prompts = random.between(1, 300);
  HarvestSettings& harvest = process.harvest;
  harvest.max_tokens = static_cast<std::int64_t>(world.lengths.most);
  harvest.limits.in_flight_max = static_cast<int>(random.between(1, 64));
  harvest.retry.backoff_base = 100ms;
  harvest.retry.backoff_cap = 5s;
  harvest.retry.reconnect_cap = 5s;
  harvest.retry.retry_after_cap = 90s;
  harvest.total_timeout = 5min;
  harvest.wait_until_ready = random.chance(0.1);
  // Half of the users know the limits, the others are told by the teacher.
  if (random.chance(0.5)) {
    harvest.limits.requests_per_minute = world.provider.gateway.requests_per_minute;
    harvest.limits.tokens_per_minute = world.provider.gateway.tokens_per_minute;
  }
  process.disk.sync_latency = random.jitter(50ms) + 1us;
  if (random.chance(0.1)) process.disk.full = 0.02;
  if (random.chance(0.05)) process.disk.failing = 0.005;
  if (random.chance(0.4)) process.power_cut = random.uniform() * 0.01;
  process.machine_goes_too = random.chance(0.5);
  if (random.chance(0.2)) process.signal_after = random.jitter(20s);
  process.starts_after = random.jitter(5s);
}

void draw_caps(Random& random, const WorldSettings& world, ProcessSettings& process) {
  Caps& caps = process.harvest.caps;
  const auto share = [&] { return random.uniform() * static_cast<double>(process.prompts); };
  const double answer = world.lengths.answer_median * process.price_output * 1e-6;
  if (random.chance(0.4)) caps.money = Usd::from_dollars(share() * answer * 3);
  if (random.chance(0.3)) caps.tokens = static_cast<Tokens>(share() * 40);
  if (random.chance(0.3)) caps.requests = static_cast<std::int64_t>(share());
}

void draw_endpoints(Random& random, EndpointSettings& endpoints) {
  endpoints.count = static_cast<int>(random.between(2, 4));
  if (random.chance(0.8)) endpoints.dies_every = random.jitter(60s) + 1s;
  endpoints.dead_for = random.jitter(30s) + 1s;
  if (random.chance(0.3)) endpoints.hangs = random.uniform() * 0.5;
}

}  // namespace

WorldSettings drawn_from(std::uint64_t seed) {
  Random random(seed * 7919 + 13);
  WorldSettings world;
  world.processes.clear();
  draw_teacher(random, world);
  draw_faults(random, world);
  const bool little_memory = random.chance(0.15);
  if (little_memory) {
    world.provider.faults.body_bytes = 100'000;
    world.network.portion = 4096;
  }
  const bool shares_pace = random.chance(0.5);
  const auto processes = random.chance(0.25) ? random.between(2, 3) : 1;
  for (int i = 0; i < processes; ++i) {
    ProcessSettings process;
    draw_process(random, world, process);
    if (random.chance(0.1)) draw_caps(random, world, process);
    if (little_memory) process.harvest.response_bytes_max = static_cast<std::size_t>(random.between(50'000, 1'000'000));
    process.corpus = i > 0 && random.chance(0.2) ? i - 1 : i;
    process.shares_pace = shares_pace;
    if (i > 0 && shares_pace) process.harvest.limits = world.processes.front().harvest.limits;
    if (i > 0 && process.corpus < i) process.prompts = world.processes.back().prompts;
    world.processes.push_back(process);
  }
  if (random.chance(0.2)) draw_endpoints(random, world.endpoints);
  return world;
}

std::string described(const WorldSettings& world) {
  const GatewaySettings& gateway = world.provider.gateway;
  char line[400];
  std::snprintf(line, sizeof line,
                "teacher: %.0f requests and %.0f tokens a minute in %s of %.0f s, in flight %d, factor %.2f%s%s%s\n",
                gateway.requests_per_minute, gateway.tokens_per_minute, gateway.fixed_windows ? "windows" : "buckets",
                seconds(gateway.bucket), gateway.in_flight_max, gateway.token_factor,
                gateway.charges_refused ? ", refusals are charged" : "",
                gateway.sends_retry_after ? ", sends Retry-After" : "", gateway.sends_limits ? ", sends limits" : "");
  std::string text = line;
  if (const EndpointSettings& fleet = world.endpoints; fleet.count > 1) {
    std::snprintf(line, sizeof line, "endpoints: %d, each dies every %.0f s for %.0f s, %.0f%% in silence\n",
                  fleet.count, seconds(fleet.dies_every), seconds(fleet.dead_for), 100 * fleet.hangs);
    text += line;
  }
  for (const ProcessSettings& process : world.processes) {
    const HarvestSettings& harvest = process.harvest;
    std::snprintf(line, sizeof line,
                  "process: %lld prompts into corpus %d, knows %.0f and %.0f a minute, in flight %d%s%s, caps %.6f $, "
                  "%lld tokens, %lld requests, %zu bytes in memory\n",
                  static_cast<long long>(process.prompts), process.corpus, harvest.limits.requests_per_minute,
                  harvest.limits.tokens_per_minute, harvest.limits.in_flight_max,
                  process.shares_pace ? ", shares its pace" : "", process.signal_after ? ", will be signalled" : "",
                  harvest.caps.money ? harvest.caps.money->dollars() : 0.0,
                  static_cast<long long>(harvest.caps.tokens.value_or(0)),
                  static_cast<long long>(harvest.caps.requests.value_or(0)), harvest.response_bytes_max);
    text += line;
  }
  return text;
}

std::string joined(const Findings& findings) {
  std::string text;
  for (const std::string& finding : findings) text += finding + "\n";
  return text;
}

}  // namespace retort::simulation
