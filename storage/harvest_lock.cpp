#include "storage/harvest_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace retort {
namespace {

std::string holder_of(int descriptor) {
  char text[32];
  const ssize_t size = pread(descriptor, text, sizeof text, 0);
  std::string pid(text, size > 0 ? static_cast<std::size_t>(size) : 0);
  pid.resize(std::min(pid.find_first_not_of("0123456789"), pid.size()));
  return pid.empty() ? "" : " (pid " + pid + ")";
}

}  // namespace

Result<HarvestLock> HarvestLock::take(const std::string& corpus_path) {
  const std::string path = corpus_path + ".lock";
  HarvestLock lock(open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644));
  if (lock.descriptor_ < 0) return fail(Errc::corpus, path + ": cannot be created: " + std::strerror(errno));
  int locked;
  do {
    locked = flock(lock.descriptor_, LOCK_EX | LOCK_NB);
  } while (locked != 0 && errno == EINTR);
  if (locked != 0) {
    if (errno != EWOULDBLOCK) return fail(Errc::corpus, path + ": cannot be locked: " + std::strerror(errno));
    return fail(Errc::corpus, corpus_path + ": is in use by another harvest" + holder_of(lock.descriptor_) +
                                  ": wait for it or stop it");
  }
  // Who holds it, for the message above. On a full disk the message merely lacks the number.
  const std::string pid = std::to_string(getpid()) + "\n";
  if (ftruncate(lock.descriptor_, 0) != 0 || pwrite(lock.descriptor_, pid.data(), pid.size(), 0) < 0) errno = 0;
  return lock;
}

bool HarvestLock::is_held(const std::string& corpus_path) {
  const int file = open((corpus_path + ".lock").c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  if (file < 0) return false;
  const bool held = flock(file, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
  close(file);
  return held;
}

HarvestLock::HarvestLock(HarvestLock&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
HarvestLock::~HarvestLock() {
  if (descriptor_ >= 0) close(descriptor_);
}

}  // namespace retort
