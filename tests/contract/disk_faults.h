// A disk that fails on command, or remembers what it was told, and memory that runs out: the test program's own pwrite,
// fdatasync and allocator stand before the system's. So the code under test needs no switch for tests.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "core/base/random.h"

namespace retort::test {

/// While it lives, calls fail with the given errno once `after` of them have passed.
class FailingWrites {
 public:
  FailingWrites(int error, int after = 0);
  ~FailingWrites();
};
class FailingSyncs {
 public:
  explicit FailingSyncs(int error, int after = 0);
  ~FailingSyncs();
};
/// Calls that have failed since the program began: a test that provoked none proves nothing.
int failed_disk_calls();

/// While it lives, every write below a folder is remembered, and every sync: what a power cut could leave of them.
class RecordedDisk {
 public:
  /// `folder` as it is now is taken to be on the disk.
  explicit RecordedDisk(const std::string& folder);
  ~RecordedDisk();
  /// Calls so far: the instants at which the power could have been cut.
  std::size_t calls() const;
  /// Whether a call was a sync.
  bool is_sync(std::size_t call) const;
  /// Puts into `target` what a power cut after so many calls could have left: all that was synced, and of the rest any
  /// sectors of 512 bytes.
  void leave(std::size_t calls, const std::string& target, Random& random) const;
};

/// While it lives, the allocation of SQLite after `after` others fails, and with `forever` all that follow.
class FailingMemory {
 public:
  explicit FailingMemory(int after, bool forever = false);
  ~FailingMemory();
  /// How many allocations have failed.
  int failed() const;
};

}  // namespace retort::test
