// A snapshot is made with SQLite's backup interface under one read transaction: page by page at the speed of the disk,
// never waited for by a harvest, and stopped at any step. VACUUM INTO would make a smaller file, but rebuilds every
// index on the way, and cannot be stopped between steps.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>

#include "storage/corpus_file.h"
#include "storage/sqlite_corpora.h"

namespace retort {
namespace {

Failure cannot(const std::string& copy, int error) {
  const bool disk = error == ENOSPC || error == EDQUOT || error == EIO || error == EFBIG;
  return fail(disk ? Errc::disk : Errc::usage, copy + ": cannot be written: " + std::strerror(error));
}

Failure exists_already(const std::string& copy) {
  return fail(Errc::usage, copy + ": exists already, and a snapshot replaces nothing: name another file");
}

std::string folder_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string::npos ? "." : path.substr(0, slash + 1);
}

/// The copy while it grows: beside its place, under a name of its own, gone unless put in place.
class Growing {
 public:
  static Result<Growing> create(const std::string& place) {
    std::string name = place + ".partial-XXXXXX";
    const int file = mkostemp(name.data(), O_CLOEXEC);
    if (file < 0) return cannot(place, errno);
    const mode_t mask = umask(0);
    umask(mask);
    if (fchmod(file, 0666 & ~mask) != 0) errno = 0;
    return Growing(place, std::move(name), file);
  }
  Growing(Growing&& other) noexcept
      : place_(std::move(other.place_)), name_(std::exchange(other.name_, {})), file_(std::exchange(other.file_, -1)) {}
  Growing& operator=(Growing&&) = delete;
  ~Growing() {
    if (file_ >= 0) close(file_);
    if (!name_.empty()) unlink(name_.c_str());
  }

  const std::string& name() const { return name_; }

  /// On disk and in its place, unless something stands there by now. Its size.
  Result<std::int64_t> put_in_place() {
    struct stat written {};
    if (fsync(file_) != 0 || fstat(file_, &written) != 0) return cannot(place_, errno);
    if (renameat2(AT_FDCWD, name_.c_str(), AT_FDCWD, place_.c_str(), RENAME_NOREPLACE) != 0) {
      // A file system without that call: a second name never replaces anything either.
      if (errno == EINVAL && link(name_.c_str(), place_.c_str()) == 0) {
        unlink(name_.c_str());
      } else {
        if (errno == EEXIST) return exists_already(place_);
        return cannot(place_, errno);
      }
    }
    name_.clear();
    // So that a power cut does not undo the name. Some file systems cannot sync a folder; the file itself is safe.
    if (const int folder = open(folder_of(place_).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC); folder >= 0) {
      fsync(folder);
      close(folder);
    }
    return static_cast<std::int64_t>(written.st_size);
  }

 private:
  Growing(std::string place, std::string name, int file)
      : place_(std::move(place)), name_(std::move(name)), file_(file) {}

  std::string place_, name_;
  int file_;
};

}  // namespace

Result<std::int64_t> SqliteCorpora::snapshot(const std::string& path, const std::string& copy,
                                             const std::function<bool()>& stopped) {
  struct stat there {};
  if (lstat(copy.c_str(), &there) == 0) return exists_already(copy);
  const auto place = place_for_reading(path);
  if (!place) return fail(place.error());
  const auto source = open_for_reading(*place);
  if (!source) return fail(source.error());
  auto growing = Growing::create(copy);
  if (!growing) return fail(growing.error());
  {
    auto opened = Connection::open(growing->name(), Connection::Mode::write);
    if (!opened) return fail(opened.error());
    // No journal: a copy that is not finished is thrown away as a whole.
    if (auto set = (*opened)->script("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;"); !set)
      return fail(set.error());
    if (auto copied = (*source)->copy_to(**opened, stopped); !copied) return fail(copied.error());
  }
  if (stopped()) return fail(Errc::interrupted, "stopped by a signal: nothing was kept of " + copy);
  return growing->put_in_place();
}

}  // namespace retort
