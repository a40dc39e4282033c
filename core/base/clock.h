#pragma once

#include <string>

#include "core/base/instant.h"

namespace retort {

/// The only source of time. Real in the program, simulated in tests.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual Instant now() const = 0;
  virtual WallTime wall() const = 0;
};

/// CLOCK_MONOTONIC and CLOCK_REALTIME of this machine. Safe to use from any thread.
class SystemClock final : public Clock {
 public:
  Instant now() const override;
  WallTime wall() const override;
};

/// "2026-11-22T16:07:46.123Z"
std::string to_iso8601(WallTime at);

}  // namespace retort
