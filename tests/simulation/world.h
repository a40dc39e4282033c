// A world in one process and from one seed: clock, network, teacher and disk. The harvester that runs in it is the
// very code of the program. Nothing here sleeps; hours pass in milliseconds.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/base/clock.h"
#include "core/base/random.h"
#include "core/corpus/corpus.h"
#include "core/harvest/harvester.h"
#include "core/net/transport.h"
#include "core/prompt/prompt_feed.h"

namespace retort::simulation {

/// Thrown out of a port by a power cut: the process is gone, the durable part of the disk stays.
struct PowerCut {};

struct WorldSettings {
  int prompts = 200;
  int samples = 1;
  HarvestSettings harvest;
  // The teacher: what it enforces, and how it misbehaves.
  double teacher_requests_per_minute = 0;  ///< zero: no limit
  double teacher_burst = 1;                ///< requests its bucket holds
  bool sends_retry_after = true;
  Duration latency = 200ms;
  double fault_probability = 0;  ///< of each reply: 500s, junk, cuts, resets, dead connections
  // The disk.
  Duration sync_latency = 5ms;
  double full_disk_probability = 0;  ///< of each commit
  // Power cuts: at each call of a port with this probability.
  double power_cut_probability = 0;
  std::optional<Instant> stop_at;  ///< a signal
};

/// What a checker found wrong; empty if nothing.
using Findings = std::vector<std::string>;

/// Bugs planted to see the checkers catch them.
enum class Bug { none, send_before_recording, send_twice, forget_answers, ignore_retry_after, overrun_limit };

class World {
 public:
  World(WorldSettings settings, std::uint64_t seed, Bug bug = Bug::none);
  ~World();

  /// Runs harvests until one ends by itself, starting a new one after each power cut. Everything found wrong on the
  /// way or at the end.
  Findings run();

  /// Digest of all that happened on the wire and on disk: equal for equal seeds.
  const std::string& transcript_digest() const { return transcript_digest_; }
  std::int64_t attempts() const;
  int power_cuts() const { return power_cuts_; }
  std::int64_t answered() const;
  std::int64_t failed() const;
  std::int64_t refusals() const;
  double simulated_minutes() const;
  const std::optional<Error>& stopped() const { return stopped_; }

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
  int power_cuts_ = 0;
  std::string transcript_digest_;
  std::optional<Error> stopped_;
};

}  // namespace retort::simulation
