// One process of a world: the real harvester, between a clock, a transport and a log that are simulated. It can be
// killed at any call of a port, stopped for a while, signalled, and started again on what its disk still has.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/base/clock.h"
#include "core/harvest/harvester.h"
#include "core/harvest/pace.h"
#include "core/net/transport.h"
#include "core/teacher/teacher.h"
#include "tests/simulation/audit.h"
#include "tests/simulation/questions.h"
#include "tests/simulation/sabotage.h"
#include "tests/simulation/sim_disk.h"
#include "tests/simulation/wire.h"

namespace retort::simulation {

/// Thrown out of a port by a power cut: the process is gone, the durable part of its disk stays.
struct PowerCut {};

struct ProcessSettings {
  HarvestSettings harvest;
  std::int64_t prompts = 200;
  int corpus = 0;  ///< which of the world's disks
  DiskSettings disk;
  Duration turn_takes = 20us;    ///< from an event to the turn that sees it: events gather meanwhile
  double power_cut = 0;          ///< probability at each call of a port
  bool machine_goes_too = true;  ///< the cut takes all processes, not this one alone
  int deaths_max = 30;           ///< then no more of them, so that worlds end
  Duration starts_after{};
  std::optional<Duration> signal_after;      ///< since the world's start
  Duration restarts_after = 1s;              ///< after a kill, a stop or a failure
  bool shares_pace = false;                  ///< with the other processes that do
  double price_input = 1, price_output = 2;  ///< dollars a million, as the profile says
  std::string bug;                           ///< planted: see sabotage.h
};

class Process;

/// What a process needs of the world around it.
struct Surroundings {
  Timeline& timeline;
  Wire& wire;
  Random& random;
  Audit& audit;
  Endpoints* endpoints;  ///< null: the teacher has one
  const Questions& questions;
  PaceState& pace;  ///< of the teacher, as the machine's processes share it
  std::function<void(Process&)> machine_loses_power;
};

class Process final : public Clock,
                      public Transport,
                      private Caller,
                      private PromptFeed,
                      private HarvestObserver,
                      private SimLog::Host,
                      private Actor {
 public:
  Process(Surroundings world, Disk& disk, ProcessSettings settings, int index);
  ~Process() override;

  /// Kills it: no destructor that could tell the world anything runs.
  void die();
  /// Nothing of it runs for so long, while teacher and wire go on. `clock_stands`: so does its monotonic clock.
  void suspend(Duration duration, bool clock_stands);
  void step_wall_clock(Duration by) { wall_ahead_ += by; }

  bool over() const { return over_; }
  bool alive() const { return harvester_ != nullptr; }
  int starts() const { return starts_; }
  int deaths() const { return deaths_; }
  int stops() const { return stops_; }  ///< ends before everything was asked, other than deaths
  const HarvestReport& last_report() const { return report_; }
  const ProcessSettings& settings() const { return settings_; }
  int index() const { return index_; }
  std::int64_t attempts() const { return attempts_; }
  std::int64_t failed_rows() const { return failed_rows_; }  ///< given up in this life

  // ---- Clock
  Instant now() const override;
  WallTime wall() const override;

  // ---- Transport
  void submit(ExchangeId id, HttpRequest request) override;
  void cancel(ExchangeId id) override;
  void pause(ExchangeId id, bool paused) override;
  std::span<NetEvent> wait(Instant deadline) override;
  void wake() noexcept override;

 private:
  enum What : std::uint32_t { kStart, kTurn, kSync, kSignal };
  /// On the wire, as this end has seen it.
  struct Exchange {
    std::int64_t prompt = 0;
    int status = 0;
    bool good = false;
    std::optional<Duration> silence, reset;
    std::size_t bytes = 0;
  };
  class Log;

  void happen(std::uint32_t what, std::uint64_t which) override;
  void deliver(NetEvent event) override;
  Instant reads_from() const override { return suspended_until_; }
  FeedEvent poll() override;
  std::optional<double> fraction_read() const override;
  Instant progress(const HarvestStats& stats, Instant now) override;
  void notice(const std::string&) override {}
  void start_sync(Duration duration) override;
  void log_has_news() override { wake(); }
  Instant log_now() const override { return world_.timeline.now(); }

  void start();
  void turn();
  void tell_audit();
  void watch_for_deadlock(Instant until);
  void leave();
  void schedule_turn(Instant at);
  void come_again();
  void bury() noexcept;
  void port_called() const;
  Instant own_time() const;

  Surroundings world_;
  Disk& disk_;
  const ProcessSettings settings_;
  const int index_;
  std::unique_ptr<Teacher> teacher_;

  // One life.
  std::unique_ptr<SimLog> log_;
  std::unique_ptr<PaceBook> pace_;
  std::unique_ptr<Harvester> harvester_;
  std::vector<NetEvent> inbox_, events_;
  std::unordered_map<std::uint64_t, Exchange> exchanges_;
  std::unique_ptr<Sabotage> sabotage_;
  std::int64_t next_prompt_ = 0;
  std::uint64_t life_ = 0, turn_version_ = 0;
  Instant turn_at_ = Instant::never();
  bool woken_ = false, in_turn_ = false, signalled_ = false;

  Instant suspended_until_;
  Duration clock_behind_{}, wall_ahead_{};
  bool over_ = false;
  int starts_ = 0, deaths_ = 0, stops_ = 0;
  std::int64_t attempts_ = 0;
  HarvestReport report_;
  std::int64_t failed_rows_ = 0;
  bool sync_runs_ = false;
};

}  // namespace retort::simulation
