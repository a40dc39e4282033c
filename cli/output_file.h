// A file that is there whole or not at all: written beside its place under another name, forced to disk, then renamed.
#pragma once

#include <string>
#include <string_view>

#include "core/base/result.h"

namespace retort {

class OutputFile {
 public:
  /// Errc::usage if nothing can be created at that place (no such folder, no permission, a directory). A symbolic link
  /// is followed. What is no regular file (a pipe, a device) is written as it goes. A file that is there stays until
  /// commit().
  static Result<OutputFile> create(const std::string& path);

  OutputFile(OutputFile&& other) noexcept;
  OutputFile& operator=(OutputFile&&) = delete;
  /// Leaves nothing behind unless committed.
  ~OutputFile();

  /// Errc::disk if it cannot be written: full, or failing.
  Result<void> write(std::string_view bytes);
  /// Puts other bytes where the first ones were, as many: for headers that say what follows. Errc::usage for what is no
  /// regular file.
  Result<void> overwrite_start(std::string_view bytes);
  /// Everything is on disk after this, but not yet in its place.
  Result<void> finish();
  /// In its place. After finish().
  Result<void> commit();

  bool is_regular() const { return !temporary_.empty(); }

 private:
  OutputFile(std::string path, std::string temporary, int descriptor);
  Result<void> flush();

  std::string path_;       ///< where it is to be
  std::string temporary_;  ///< where it is meanwhile; empty if no regular file
  std::string buffer_;
  int descriptor_ = -1;
  bool reader_gone_ = false;
};

}  // namespace retort
