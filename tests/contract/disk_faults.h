// A disk that fails on command: the test program's own pwrite and fdatasync stand before the system's, for every
// library in the process. So the code under test needs no switch for tests.
#pragma once

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

}  // namespace retort::test
