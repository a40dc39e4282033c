#include "tests/contract/disk_faults.h"

#include <sqlite3.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <mutex>

#include "core/base/assert.h"

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

/// What was asked of the disk, in order.
struct Call {
  enum class Kind { write, truncate, sync } kind;
  std::string file;
  std::uint64_t offset = 0;  ///< of a write; the new size of a truncation
  std::string bytes;
};
struct Recording {
  std::mutex mutex;
  std::atomic<bool> on{false};
  std::string folder;
  std::map<std::string, std::string> before;  ///< name → content
  std::vector<Call> calls;
};
Recording recording;

void record(Call::Kind kind, int descriptor, std::uint64_t offset, const void* bytes, std::size_t size) {
  if (!recording.on) return;
  const int kept = errno;
  std::error_code ignored;
  const std::string path =
      std::filesystem::read_symlink("/proc/self/fd/" + std::to_string(descriptor), ignored).string();
  std::lock_guard guard(recording.mutex);
  if (!path.starts_with(recording.folder + "/")) return;
  const std::string name = path.substr(recording.folder.size() + 1);
  if (name.ends_with("-shm") || name.ends_with(".lock")) return;
  recording.calls.push_back({kind, name, offset, std::string(static_cast<const char*>(bytes), size)});
  errno = kept;
}

int truncated(int descriptor, off64_t size) {
  record(Call::Kind::truncate, descriptor, static_cast<std::uint64_t>(size), "", 0);
  return static_cast<int>(syscall(SYS_ftruncate, descriptor, size));
}

ssize_t written(int descriptor, const void* bytes, std::size_t size, off64_t offset) {
  if (fails(writes)) return -1;
  record(Call::Kind::write, descriptor, static_cast<std::uint64_t>(offset), bytes, size);
  return syscall(SYS_pwrite64, descriptor, bytes, size, offset);
}

int synced(long call, int descriptor) {
  if (fails(syncs)) return -1;
  const int result = static_cast<int>(syscall(call, descriptor));
  if (result == 0) record(Call::Kind::sync, descriptor, 0, "", 0);
  return result;
}

// SQLite's allocator, with a hole in it. Installed before anything uses SQLite.
sqlite3_mem_methods real_memory;
std::atomic<int> memory_passes{-1};
std::atomic<bool> memory_forever{false};
std::atomic<int> memory_failed{0};

bool out_of_memory() {
  if (memory_passes < 0) return false;
  if (memory_passes > 0) {
    --memory_passes;
    return false;
  }
  if (!memory_forever) memory_passes = -1;
  ++memory_failed;
  return true;
}

void* allocate(int bytes) { return out_of_memory() ? nullptr : real_memory.xMalloc(bytes); }
void* reallocate(void* old, int bytes) { return out_of_memory() ? nullptr : real_memory.xRealloc(old, bytes); }

const bool memory_installed = [] {
  if (sqlite3_config(SQLITE_CONFIG_GETMALLOC, &real_memory) != SQLITE_OK) return false;
  sqlite3_mem_methods ours = real_memory;
  ours.xMalloc = allocate;
  ours.xRealloc = reallocate;
  return sqlite3_config(SQLITE_CONFIG_MALLOC, &ours) == SQLITE_OK;
}();

void apply(const Call& call, std::string& content) {
  if (call.kind == Call::Kind::truncate) content.resize(call.offset);
  if (call.kind != Call::Kind::write) return;
  content.resize(std::max<std::size_t>(content.size(), call.offset + call.bytes.size()));
  content.replace(call.offset, call.bytes.size(), call.bytes);
}

/// Some sectors of a write arrive, some do not.
void apply_partly(const Call& call, std::string& content, retort::Random& random) {
  constexpr std::size_t kSector = 512;
  if (call.kind == Call::Kind::truncate) {
    if (random.between(0, 1) == 1) content.resize(call.offset);
    return;
  }
  for (std::size_t at = 0; at < call.bytes.size(); at += kSector) {
    if (random.between(0, 1) == 0) continue;
    apply({call.kind, call.file, call.offset + at, call.bytes.substr(at, kSector)}, content);
  }
}

}  // namespace

extern "C" {

ssize_t pwrite64(int descriptor, const void* bytes, size_t size, off64_t offset) {
  return written(descriptor, bytes, size, offset);
}
ssize_t pwrite(int descriptor, const void* bytes, size_t size, off_t offset) {
  return written(descriptor, bytes, size, offset);
}
int fdatasync(int descriptor) { return synced(SYS_fdatasync, descriptor); }
int fsync(int descriptor) { return synced(SYS_fsync, descriptor); }
int ftruncate64(int descriptor, off64_t size) noexcept { return truncated(descriptor, size); }
int ftruncate(int descriptor, off_t size) noexcept { return truncated(descriptor, size); }
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

RecordedDisk::RecordedDisk(const std::string& folder) {
  std::lock_guard guard(recording.mutex);
  recording.folder = std::filesystem::canonical(folder).string();
  recording.calls.clear();
  recording.before.clear();
  for (const auto& entry : std::filesystem::directory_iterator(recording.folder)) {
    std::ifstream file(entry.path(), std::ios::binary);
    recording.before[entry.path().filename()] = {std::istreambuf_iterator<char>(file), {}};
  }
  recording.on = true;
}
RecordedDisk::~RecordedDisk() { recording.on = false; }

std::size_t RecordedDisk::calls() const {
  std::lock_guard guard(recording.mutex);
  return recording.calls.size();
}

bool RecordedDisk::is_sync(std::size_t call) const {
  std::lock_guard guard(recording.mutex);
  return recording.calls.at(call).kind == Call::Kind::sync;
}

void RecordedDisk::leave(std::size_t calls, const std::string& target, Random& random) const {
  std::lock_guard guard(recording.mutex);
  std::map<std::string, std::size_t> last_sync;  // file → calls before this one are safe
  for (std::size_t i = 0; i < calls; ++i) {
    if (recording.calls[i].kind == Call::Kind::sync) last_sync[recording.calls[i].file] = i;
  }
  std::map<std::string, std::string> files = recording.before;
  for (std::size_t i = 0; i < calls; ++i) {
    const Call& call = recording.calls[i];
    std::string& content = files[call.file];
    const auto safe = last_sync.find(call.file);
    safe != last_sync.end() && i < safe->second ? apply(call, content) : apply_partly(call, content, random);
  }
  for (const auto& [name, content] : files) std::ofstream(target + "/" + name, std::ios::binary) << content;
}

FailingMemory::FailingMemory(int after, bool forever) {
  RETORT_ASSERT(memory_installed);
  memory_failed = 0;
  memory_forever = forever;
  memory_passes = after;
}
FailingMemory::~FailingMemory() { memory_passes = -1; }
int FailingMemory::failed() const { return memory_failed; }

}  // namespace retort::test
