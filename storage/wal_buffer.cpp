#include "storage/wal_buffer.h"

#include <sqlite3.h>

#include <new>
#include <string>

#include "core/base/assert.h"

namespace retort {
namespace {

// The system's VFS takes less than 128 KiB at once: it looks at the lower 17 bits of a size alone.
constexpr std::size_t kBytesMax = 124 << 10;

/// A log that is being written. SQLite gives the memory; the system's own file follows it there.
struct Log {
  sqlite3_file base;
  std::string held;         ///< contiguous, not yet written
  sqlite3_int64 begin = 0;  ///< where it goes

  sqlite3_file* real() { return reinterpret_cast<sqlite3_file*>(this + 1); }

  // What cannot be written is dropped, as a failed write is: SQLite hears of it before it would rely on it.
  int flush() {
    if (held.empty()) return SQLITE_OK;
    const int code = real()->pMethods->xWrite(real(), held.data(), static_cast<int>(held.size()), begin);
    held.clear();
    return code;
  }

  int write(const void* bytes, std::size_t size, sqlite3_int64 at) {
    const bool follows = at == begin + static_cast<sqlite3_int64>(held.size());
    if (!follows || held.size() + size > kBytesMax) {
      if (const int code = flush(); code != SQLITE_OK) return code;
      if (size > kBytesMax) return real()->pMethods->xWrite(real(), bytes, static_cast<int>(size), at);
      begin = at;
    }
    held.append(static_cast<const char*>(bytes), size);
    return SQLITE_OK;
  }
};

Log& log_of(sqlite3_file* file) { return *reinterpret_cast<Log*>(file); }

/// Calls the system's method on what lies in the file by then.
template <class Call>
int flushed(sqlite3_file* file, Call call) {
  Log& log = log_of(file);
  const int code = log.flush();
  return code == SQLITE_OK ? call(log.real()) : code;
}

int close_log(sqlite3_file* file) {
  Log& log = log_of(file);
  (void)log.flush();  // of a commit nothing is left by now
  const int code = log.real()->pMethods->xClose(log.real());
  log.~Log();
  return code;
}

const sqlite3_io_methods kMethods = {
    .iVersion = 1,
    .xClose = close_log,
    .xRead =
        [](sqlite3_file* file, void* bytes, int size, sqlite3_int64 at) {
          return flushed(file, [&](sqlite3_file* real) { return real->pMethods->xRead(real, bytes, size, at); });
        },
    .xWrite = [](sqlite3_file* file, const void* bytes, int size,
                 sqlite3_int64 at) { return log_of(file).write(bytes, static_cast<std::size_t>(size), at); },
    .xTruncate =
        [](sqlite3_file* file, sqlite3_int64 size) {
          return flushed(file, [&](sqlite3_file* real) { return real->pMethods->xTruncate(real, size); });
        },
    .xSync =
        [](sqlite3_file* file, int flags) {
          return flushed(file, [&](sqlite3_file* real) { return real->pMethods->xSync(real, flags); });
        },
    .xFileSize =
        [](sqlite3_file* file, sqlite3_int64* size) {
          return flushed(file, [&](sqlite3_file* real) { return real->pMethods->xFileSize(real, size); });
        },
    .xLock = [](sqlite3_file* file,
                int kind) { return log_of(file).real()->pMethods->xLock(log_of(file).real(), kind); },
    .xUnlock = [](sqlite3_file* file,
                  int kind) { return log_of(file).real()->pMethods->xUnlock(log_of(file).real(), kind); },
    .xCheckReservedLock =
        [](sqlite3_file* file, int* result) {
          return log_of(file).real()->pMethods->xCheckReservedLock(log_of(file).real(), result);
        },
    .xFileControl =
        [](sqlite3_file* file, int what, void* argument) {
          return log_of(file).real()->pMethods->xFileControl(log_of(file).real(), what, argument);
        },
    .xSectorSize = [](sqlite3_file* file) { return log_of(file).real()->pMethods->xSectorSize(log_of(file).real()); },
    .xDeviceCharacteristics =
        [](sqlite3_file* file) { return log_of(file).real()->pMethods->xDeviceCharacteristics(log_of(file).real()); },
    .xShmMap = nullptr,
    .xShmLock = nullptr,
    .xShmBarrier = nullptr,
    .xShmUnmap = nullptr,
    .xFetch = nullptr,
    .xUnfetch = nullptr};

sqlite3_vfs* system_vfs() {
  static sqlite3_vfs* const kSystem = sqlite3_vfs_find(nullptr);
  RETORT_ASSERT(kSystem);
  return kSystem;
}

int open_file(sqlite3_vfs*, const char* name, sqlite3_file* file, int flags, int* flags_out) {
  sqlite3_vfs* const system = system_vfs();
  if ((flags & SQLITE_OPEN_WAL) == 0) return system->xOpen(system, name, file, flags, flags_out);
  Log* log = new (file) Log{};
  const int code = system->xOpen(system, name, log->real(), flags, flags_out);
  if (code == SQLITE_OK) {
    log->base.pMethods = &kMethods;
    return code;
  }
  if (log->real()->pMethods) log->real()->pMethods->xClose(log->real());
  log->~Log();
  file->pMethods = nullptr;
  return code;
}

}  // namespace

const char* wal_buffer_vfs() {
  static sqlite3_vfs ours = [] {
    sqlite3_vfs vfs = *system_vfs();
    vfs.zName = "retort";
    vfs.szOsFile += static_cast<int>(sizeof(Log));
    vfs.xOpen = open_file;
    vfs.pNext = nullptr;
    return vfs;
  }();
  static const int registered = sqlite3_vfs_register(&ours, 0);
  RETORT_ASSERT(registered == SQLITE_OK);
  return ours.zName;
}

}  // namespace retort
