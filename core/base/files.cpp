#include "core/base/files.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace retort {
namespace {

Failure disk_failure(const std::string& what, const std::string& path) {
  return fail(Errc::disk, what + " " + path + ": " + std::strerror(errno));
}

Result<void> write_all(int file, const std::string& path, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(file, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return disk_failure("cannot write", path);
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return {};
}

Result<void> flush_and_close(int file, const std::string& path) {
  const bool synced = ::fsync(file) == 0;
  if (::close(file) != 0 || !synced) return disk_failure("cannot flush", path);
  return {};
}

std::string folder_of(const std::string& path) {
  const std::string folder = std::filesystem::path(path).parent_path().string();
  return folder.empty() ? "." : folder;
}

}  // namespace

Result<std::string> read_file(const std::string& path) {
  std::error_code ignored;
  std::ifstream in(path, std::ios::binary);
  if (!in || std::filesystem::is_directory(path, ignored)) return fail(Errc::usage, "cannot read " + path);
  std::string bytes{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  if (in.bad()) return fail(Errc::disk, "cannot read all of " + path);
  return bytes;
}

Result<void> write_durable(const std::string& path, std::string_view bytes) {
  const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (file < 0) return disk_failure("cannot write", path);
  if (auto written = write_all(file, path, bytes); !written) {
    ::close(file);
    return written;
  }
  return flush_and_close(file, path);
}

Result<FileReplacement> FileReplacement::begin(const std::string& path) {
  const int file = ::open((path + ".new").c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (file < 0) return disk_failure("cannot write", path);
  return FileReplacement(path, file);
}

FileReplacement::FileReplacement(FileReplacement&& other) noexcept
    : path_(std::move(other.path_)), file_(std::exchange(other.file_, -1)) {}

FileReplacement::~FileReplacement() {
  if (file_ < 0) return;
  ::close(file_);
  ::unlink(beside().c_str());
}

Result<void> FileReplacement::append(std::string_view bytes) { return write_all(file_, path_, bytes); }

Result<void> FileReplacement::commit() {
  if (auto flushed = flush_and_close(std::exchange(file_, -1), path_); !flushed) {
    ::unlink(beside().c_str());
    return flushed;
  }
  if (::rename(beside().c_str(), path_.c_str()) != 0) return disk_failure("cannot rename to", path_);
  return sync_folder(folder_of(path_));
}

Result<void> replace_file(const std::string& path, std::string_view bytes) {
  const std::string beside = path + ".new";
  if (auto written = write_durable(beside, bytes); !written) return written;
  if (::rename(beside.c_str(), path.c_str()) != 0) return disk_failure("cannot rename to", path);
  return sync_folder(folder_of(path));
}

Result<void> sync_folder(const std::string& path) {
  const int folder = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder < 0) return disk_failure("cannot open", path);
  const bool synced = ::fsync(folder) == 0;
  ::close(folder);
  if (!synced) return disk_failure("cannot flush", path);
  return {};
}

Result<void> make_folder(const std::string& path) {
  std::error_code error;
  std::filesystem::create_directories(path, error);
  if (error) return fail(Errc::disk, "cannot create " + path + ": " + error.message());
  return {};
}

}  // namespace retort
