// A world in one process and from one seed: clock, network, teacher, disks and processes. The harvesters that run in it
// are the very code of the program. Nothing here sleeps; hours pass in milliseconds.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/base/random.h"
#include "tests/simulation/audit.h"
#include "tests/simulation/endpoints.h"
#include "tests/simulation/process.h"
#include "tests/simulation/provider.h"
#include "tests/simulation/questions.h"
#include "tests/simulation/sim_disk.h"
#include "tests/simulation/timeline.h"
#include "tests/simulation/wire.h"

namespace retort::simulation {

struct WorldSettings {
  NetworkSettings network;
  ProviderSettings provider;
  EndpointSettings endpoints;
  Lengths lengths;
  std::vector<ProcessSettings> processes = {ProcessSettings{}};
  /// Now and then a process is stopped for a while, or the whole machine with its clock, or the wall clock steps.
  Duration suspended_every{};  ///< mean; zero: never
  Duration suspended_for = 30s;
  Duration wall_steps_every{};  ///< mean; zero: never
  bool keeps_transcript = false;
  /// Instead of what the processes' settings say, what they promised: to plant a wrong setting.
  std::optional<Promises> promises;
};

class World final : private Actor {
 public:
  static constexpr Instant kStart{1'000'000'000'000};

  World(WorldSettings settings, std::uint64_t seed);
  ~World();

  /// Until every process is over, or a checker finds something. All that was found.
  const Findings& run();
  /// Until then at most; true if every process is over.
  bool run_until(Instant end);

  Instant now() const { return timeline_.now(); }
  const Provider& provider() const { return provider_; }
  Process& process(std::size_t index) { return *processes_[index]; }
  const Questions& questions() const { return questions_; }
  const Audit& audit() const { return audit_; }
  const Endpoints& endpoints() const { return *endpoints_; }
  const Disk& disk(std::size_t index) const { return *disks_[index]; }
  std::int64_t attempts() const;
  std::int64_t answered(std::size_t disk = 0) const;
  std::int64_t failed(std::size_t disk = 0) const;
  int deaths() const;
  double simulated_minutes() const { return seconds(timeline_.now() - kStart) / 60; }

 private:
  enum What : std::uint32_t { kSuspend, kStepWall };
  void happen(std::uint32_t what, std::uint64_t which) override;
  void plan(What what, Duration every, Duration not_before = {});
  Promises promises_of(const ProcessSettings& process) const;
  void check_end();
  void check_disk(std::size_t index);
  bool over() const;
  void lose_power(Process& where);

  const WorldSettings settings_;
  Random random_;
  Timeline timeline_{kStart};
  Questions questions_;
  Audit audit_;
  PaceState pace_{};
  Wire wire_;
  std::optional<Endpoints> endpoints_;  ///< if there are several
  Provider provider_;
  std::vector<std::unique_ptr<Disk>> disks_;
  std::vector<std::unique_ptr<Process>> processes_;
};

}  // namespace retort::simulation
