#include "tests/simulation/world.h"

#include <algorithm>

namespace retort::simulation {
namespace {

// A world that needs more does not end.
constexpr std::int64_t kEventsMax = 20'000'000;
constexpr Duration kTimeMax = std::chrono::hours(24 * 30);

}  // namespace

World::World(WorldSettings settings, std::uint64_t seed)
    : settings_(std::move(settings)),
      random_(seed),
      questions_(settings_.lengths, seed),
      audit_(timeline_.now(), settings_.keeps_transcript),
      wire_(timeline_, settings_.network, random_),
      provider_(timeline_, settings_.provider, questions_, wire_, random_, audit_) {
  wire_.connect(provider_);
  if (settings_.endpoints.count > 1) {
    const auto processes = static_cast<int>(settings_.processes.size());
    endpoints_.emplace(timeline_, settings_.endpoints, processes, random_, audit_, wire_);
    wire_.lead_to(*endpoints_);
  }
  int disks = 0;
  for (const ProcessSettings& process : settings_.processes) {
    disks = std::max(disks, process.corpus + 1);
    audit_.add_process(settings_.promises.value_or(promises_of(process)), process.corpus);
  }
  for (int i = 0; i < disks; ++i) disks_.push_back(std::make_unique<Disk>(audit_));
  for (ProcessSettings process : settings_.processes) {
    process.harvest.endpoints = Endpoints::urls(settings_.endpoints.count);
    processes_.push_back(std::make_unique<Process>(
        Surroundings{timeline_, wire_, random_, audit_, endpoints_ ? &*endpoints_ : nullptr, questions_, pace_,
                     [this](Process& where) { lose_power(where); }},
        *disks_[static_cast<std::size_t>(process.corpus)], process, static_cast<int>(processes_.size())));
  }
  plan(kSuspend, settings_.suspended_every);
  plan(kStepWall, settings_.wall_steps_every);
}

World::~World() = default;

Promises World::promises_of(const ProcessSettings& process) const {
  Promises promises;
  promises.limits = process.harvest.limits;
  promises.caps = process.harvest.caps;
  promises.retry = process.harvest.retry;
  promises.response_bytes_max = process.harvest.response_bytes_max;
  promises.body_bytes_max = settings_.provider.faults.body_bytes + 1024;
  promises.price_input = process.price_input;
  promises.price_output = process.price_output;
  promises.shares_pace = process.shares_pace;
  // At once may come what a second brings; or what the teacher's buckets hold, if it tells, and it tells with a delay.
  // A teacher that counts anew in each window allows twice as much at the border of two.
  const GatewaySettings& gateway = settings_.provider.gateway;
  double at_once = 1;
  if (gateway.sends_limits) {
    const double told_late = 2 * seconds(settings_.network.latency + settings_.network.jitter);
    at_once = std::max(1.0, seconds(gateway.bucket)) * (gateway.fixed_windows ? 2 : 1) + told_late;
  }
  const bool limits_something = gateway.requests_per_minute > 0 || gateway.in_flight_max > 0;
  promises.limits_are_secret = limits_something && !gateway.sends_limits && promises.limits.requests_per_minute <= 0 &&
                               promises.limits.tokens_per_minute <= 0;
  promises.request_burst = std::max(promises.limits.requests_per_minute, gateway.requests_per_minute) / 60 * at_once;
  // Of tokens nobody knows how many an answer will have: a guess may be off for as many as are in flight.
  promises.token_burst = std::max(promises.limits.tokens_per_minute, gateway.tokens_per_minute) / 60 * at_once +
                         settings_.lengths.most * std::min(100, promises.limits.in_flight_max);
  return promises;
}

bool World::over() const {
  return std::all_of(processes_.begin(), processes_.end(), [](const auto& process) { return process->over(); });
}

const Findings& World::run() {
  while (audit_.findings().empty() && !over()) {
    if (timeline_.events() > kEventsMax || timeline_.now() > kStart + kTimeMax) {
      audit_.find("the harvest does not end");
    } else {
      timeline_.step();
    }
  }
  if (audit_.findings().empty()) check_end();
  return audit_.findings();
}

bool World::run_until(Instant end) {
  while (!over()) {
    if (timeline_.empty() || timeline_.next() > end) return false;
    timeline_.step();
  }
  return true;
}

void World::plan(What what, Duration every, Duration not_before) {
  if (every > Duration::zero()) timeline_.after(not_before + every / 2 + random_.jitter(every), *this, what);
}

void World::happen(std::uint32_t what, std::uint64_t) {
  if (what == kStepWall) {
    const Duration by = random_.jitter(std::chrono::hours(2)) - std::chrono::hours(1);
    for (const auto& process : processes_) process->step_wall_clock(by);
    return plan(kStepWall, settings_.wall_steps_every);
  }
  const Duration length = random_.jitter(settings_.suspended_for);
  audit_.slept(length);
  if (random_.chance(0.5)) {
    for (const auto& process : processes_) process->suspend(length, true);
  } else {
    const auto which = random_.between(0, static_cast<std::int64_t>(processes_.size()) - 1);
    processes_[static_cast<std::size_t>(which)]->suspend(length, false);
  }
  plan(kSuspend, settings_.suspended_every, length);  // never two at once: a clock may stand, not run backwards
}

void World::lose_power(Process& where) {
  if (!where.settings().machine_goes_too) return where.die();
  for (const auto& process : processes_) process->die();
  pace_ = {};  // it lay in memory
}

void World::check_end() {
  for (const auto& process : processes_) {
    const auto index = static_cast<std::size_t>(process->settings().corpus);
    check_disk(index);
    if (process->last_report().stopped) continue;
    const std::vector<Disk::Request>& requests = disks_[index]->requests();
    for (const Disk::Request& request : requests) {
      if (request.status == RequestStatus::pending)
        audit_.find("q" + std::to_string(request.prompt) + " is still pending after a complete harvest");
    }
    if (static_cast<std::int64_t>(requests.size()) < process->settings().prompts)
      audit_.find("not every prompt is in the corpus");
  }
}

void World::check_disk(std::size_t index) {
  for (const Disk::Request& request : disks_[index]->requests()) {
    const std::string name = "q" + std::to_string(request.prompt);
    if (request.answers > 1) audit_.find(name + " has " + std::to_string(request.answers) + " answers");
    if (request.answers == 1 && request.answer.rfind(Provider::answer_text(request.prompt), 0) != 0)
      audit_.find(name + " has another's answer");
    if ((request.status == RequestStatus::answered) != (request.answers == 1))
      audit_.find(name + ": status and answer differ");
  }
  for (const Disk::Attempt& attempt : disks_[index]->attempts()) {
    if (attempt.outcome == AttemptOutcome::unsent || attempt.outcome == AttemptOutcome::sent)
      return audit_.find("an attempt has no outcome after a clean end");
  }
}

std::int64_t World::attempts() const {
  std::int64_t sum = 0;
  for (const auto& process : processes_) sum += process->attempts();
  return sum;
}

int World::deaths() const {
  int sum = 0;
  for (const auto& process : processes_) sum += process->deaths();
  return sum;
}

std::int64_t World::answered(std::size_t disk) const {
  const auto& requests = disks_[disk]->requests();
  return std::count_if(requests.begin(), requests.end(), [](const auto& request) { return request.answers == 1; });
}

std::int64_t World::failed(std::size_t disk) const {
  const auto& requests = disks_[disk]->requests();
  return std::count_if(requests.begin(), requests.end(),
                       [](const auto& request) { return request.status == RequestStatus::failed; });
}

}  // namespace retort::simulation
