// A file as a span of memory: weights are read where they lie, and only pages that are touched take memory.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "core/base/result.h"

namespace retort {

class MappedFile {
 public:
  /// Errc::usage if it cannot be read. A file that is cut short while it is mapped ends the process (SIGBUS).
  static Result<std::shared_ptr<const MappedFile>> open(const std::string& path);
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;
  ~MappedFile();

  std::string_view bytes() const { return {static_cast<const char*>(data_), size_}; }

 private:
  MappedFile(void* data, std::size_t size) : data_(data), size_(size) {}
  void* data_;
  std::size_t size_;
};

}  // namespace retort
