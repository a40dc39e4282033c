#include "tests/contract/disk_faults.h"

#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>

namespace {

struct Fault {
  std::atomic<int> error{0};
  std::atomic<int> passes{0};
};
Fault writes;
Fault syncs;
std::atomic<int> failed{0};

bool fails(Fault& fault) {
  const int error = fault.error;
  if (error == 0 || fault.passes-- > 0) return false;
  ++failed;
  errno = error;
  return true;
}

}  // namespace

extern "C" {

ssize_t pwrite64(int descriptor, const void* bytes, size_t size, off64_t offset) {
  if (fails(writes)) return -1;
  return syscall(SYS_pwrite64, descriptor, bytes, size, offset);
}
ssize_t pwrite(int descriptor, const void* bytes, size_t size, off_t offset) {
  if (fails(writes)) return -1;
  return syscall(SYS_pwrite64, descriptor, bytes, size, offset);
}
int fdatasync(int descriptor) {
  if (fails(syncs)) return -1;
  return static_cast<int>(syscall(SYS_fdatasync, descriptor));
}
int fsync(int descriptor) {
  if (fails(syncs)) return -1;
  return static_cast<int>(syscall(SYS_fsync, descriptor));
}
}

namespace retort::test {

FailingWrites::FailingWrites(int error, int after) {
  writes.passes = after;
  writes.error = error;
}
FailingWrites::~FailingWrites() { writes.error = 0; }
FailingSyncs::FailingSyncs(int error, int after) {
  syncs.passes = after;
  syncs.error = error;
}
FailingSyncs::~FailingSyncs() { syncs.error = 0; }
int failed_disk_calls() { return failed; }

}  // namespace retort::test
