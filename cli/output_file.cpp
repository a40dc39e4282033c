#include "cli/output_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <utility>

namespace retort {
namespace {

constexpr std::size_t kBufferBytes = 1 << 18;

Failure cannot(const char* what, const std::string& path, int error) {
  const bool disk = error == ENOSPC || error == EDQUOT || error == EIO || error == EFBIG;
  std::string message = std::string("cannot ") + what + " " + path + ": " + std::strerror(error);
  if (error == ENOSPC || error == EDQUOT) message += "; make room and run the command again, nothing was kept";
  return fail(disk ? Errc::disk : Errc::usage, std::move(message));
}

std::string folder_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

}  // namespace

OutputFile::OutputFile(std::string path, std::string temporary, int descriptor)
    : path_(std::move(path)), temporary_(std::move(temporary)), descriptor_(descriptor) {
  buffer_.reserve(kBufferBytes);
}

OutputFile::OutputFile(OutputFile&& other) noexcept
    : path_(std::move(other.path_)),
      temporary_(std::exchange(other.temporary_, {})),
      buffer_(std::move(other.buffer_)),
      descriptor_(std::exchange(other.descriptor_, -1)),
      reader_gone_(other.reader_gone_) {}

OutputFile::~OutputFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
}

Result<OutputFile> OutputFile::create(const std::string& path) {
  struct stat there {};
  const bool exists = ::stat(path.c_str(), &there) == 0;
  if (exists && S_ISDIR(there.st_mode)) return fail(Errc::usage, "cannot write " + path + ": it is a directory");
  if (exists && !S_ISREG(there.st_mode)) {
    const int descriptor = ::open(path.c_str(), O_WRONLY | O_CLOEXEC);
    if (descriptor < 0) return cannot("write", path, errno);
    return OutputFile(path, {}, descriptor);
  }
  std::string place = path;
  std::error_code ignored;
  if (exists) {
    if (const auto real = std::filesystem::canonical(path, ignored); !ignored) place = real.string();
  }
  std::string temporary = place + ".partial-XXXXXX";
  const int descriptor = ::mkostemp(temporary.data(), O_CLOEXEC);
  if (descriptor < 0) return cannot("write", path, errno);
  // mkostemp makes it private; the umask, or the file that it replaces, says what the user wants.
  const mode_t mask = ::umask(0);
  ::umask(mask);
  if (::fchmod(descriptor, exists ? there.st_mode & 0777 : 0666 & ~mask) != 0) errno = 0;
  return OutputFile(std::move(place), std::move(temporary), descriptor);
}

Result<void> OutputFile::flush() {
  std::string_view rest = buffer_;
  while (!rest.empty() && !reader_gone_) {
    const ssize_t written = ::write(descriptor_, rest.data(), rest.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0 && errno == EPIPE) {  // like `head`: the reader has what it wanted
      reader_gone_ = true;
      break;
    }
    if (written < 0) return cannot("write", path_, errno);
    rest.remove_prefix(static_cast<std::size_t>(written));
  }
  buffer_.clear();
  return {};
}

Result<void> OutputFile::write(std::string_view bytes) {
  buffer_ += bytes;
  return buffer_.size() < kBufferBytes ? Result<void>() : flush();
}

Result<void> OutputFile::overwrite_start(std::string_view bytes) {
  if (!is_regular()) return fail(Errc::usage, "cannot write " + path_ + ": such files are no pipes or devices");
  if (auto flushed = flush(); !flushed) return flushed;
  for (std::size_t done = 0; done < bytes.size();) {
    const ssize_t written = ::pwrite(descriptor_, bytes.data() + done, bytes.size() - done, static_cast<off_t>(done));
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return cannot("write", path_, errno);
    done += static_cast<std::size_t>(written);
  }
  return {};
}

Result<void> OutputFile::finish() {
  if (auto flushed = flush(); !flushed) return flushed;
  if (is_regular() && ::fsync(descriptor_) != 0) return cannot("write", path_, errno);
  // Some file systems report a full disk only now.
  if (::close(std::exchange(descriptor_, -1)) != 0 && errno != EINTR) return cannot("write", path_, errno);
  return {};
}

Result<void> OutputFile::commit() {
  if (!is_regular()) return {};
  if (::rename(temporary_.c_str(), path_.c_str()) != 0) return cannot("write", path_, errno);
  temporary_.clear();
  // So that a power cut does not undo the rename. Some file systems cannot sync a folder; the file itself is safe.
  if (const int folder = ::open(folder_of(path_).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC); folder >= 0) {
    ::fsync(folder);
    ::close(folder);
  }
  return {};
}

}  // namespace retort
