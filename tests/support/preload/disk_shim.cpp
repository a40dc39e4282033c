// Preloaded into a program under test, this makes every disk one of the kind DISK_SHIM_MAGIC, a file system's magic
// number such as 0x6969 of NFS.
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <cstdlib>

extern "C" int statfs(const char* place, struct statfs* system) noexcept {
  if (syscall(SYS_statfs, place, system) != 0) return -1;
  if (const char* magic = std::getenv("DISK_SHIM_MAGIC")) system->f_type = std::strtol(magic, nullptr, 0);
  return 0;
}
