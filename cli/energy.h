// How much energy the processors took meanwhile, where their counters can be read: the packages through Linux's
// powercap (RAPL), NVIDIA's devices through NVML. Counters belong to the machine: what else ran on it is in them.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/base/json.h"

namespace retort {

/// A counter of energy.
class EnergyCounter {
 public:
  virtual ~EnergyCounter() = default;
  virtual std::string name() const = 0;
  /// Joules; -1 if it cannot be read.
  virtual double read() = 0;
  /// Where the counter begins again at zero; 0: never.
  virtual double wraps_at() const = 0;
};

class EnergyMeter {
 public:
  /// Begins to count. Of this machine: what `powercap` (a folder as /sys/class/powercap) and NVML offer.
  static EnergyMeter of_machine(const std::string& powercap = "/sys/class/powercap");
  /// `unread` says, for people, what could not be read and why; empty if all could.
  EnergyMeter(std::vector<std::unique_ptr<EnergyCounter>> counters, std::string unread);

  /// To be called more often than a counter wraps: RAPL's take some minutes.
  void sample();

  /// {"joules": …, "sources": {"package-0": …}}, and "unread" where something could not be read. Without any counter
  /// there are no joules.
  Json summary();

 private:
  struct Reading {
    std::unique_ptr<EnergyCounter> counter;
    double last = 0, joules = 0;
  };
  std::vector<Reading> readings_;
  std::string unread_;
};

}  // namespace retort
