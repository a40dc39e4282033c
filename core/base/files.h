// Files read whole, and written so that a crash leaves the old one or the new one, never half of one.
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "core/base/result.h"

namespace retort {

/// Errc::usage if it cannot be read.
Result<std::string> read_file(const std::string& path);

/// Writes and flushes to the disk. Errc::disk if that fails.
Result<void> write_durable(const std::string& path, std::string_view bytes);

/// write_durable beside it, then a rename over it.
Result<void> replace_file(const std::string& path, std::string_view bytes);

/// A file that is too large to be held, written in parts: under another name until commit() renames it into place.
/// What was not committed is removed.
class FileReplacement {
 public:
  /// Errc::disk if it cannot be created.
  static Result<FileReplacement> begin(const std::string& path);
  FileReplacement(FileReplacement&& other) noexcept;
  FileReplacement& operator=(FileReplacement&&) = delete;
  ~FileReplacement();

  Result<void> append(std::string_view bytes);
  Result<void> commit();

 private:
  FileReplacement(std::string path, int file) : path_(std::move(path)), file_(file) {}
  std::string beside() const { return path_ + ".new"; }
  std::string path_;
  int file_;  ///< -1 once it is done
};

/// Makes renames in a folder durable.
Result<void> sync_folder(const std::string& path);

/// Creates a folder and its parents. Errc::disk if that fails.
Result<void> make_folder(const std::string& path);

}  // namespace retort
