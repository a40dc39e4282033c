// safetensors: tensors by name in one file, read as a hostile one.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/base/result.h"

namespace retort {

/// Where a tensor lies: fp32, row-major.
struct StoredTensor {
  std::vector<std::int64_t> shape;
  std::size_t begin = 0, end = 0;  ///< bytes, relative to the file's beginning
};

/// What to write: `data` must stay valid during the call.
struct TensorToStore {
  std::string name;
  std::vector<std::int64_t> shape;
  const float* data = nullptr;
};

/// The whole file as bytes, and where its tensors are. Keep the object while reading data from it.
class SafetensorsFile {
 public:
  /// Checks everything before anything is used: header size, names, types (F32 only), shapes, bounds, overlaps and
  /// holes.
  static Result<SafetensorsFile> parse(std::string bytes);
  static Result<SafetensorsFile> read(const std::string& path);

  const std::map<std::string, StoredTensor>& tensors() const { return tensors_; }
  /// Copies a tensor's numbers to `out`, which has room for all of them.
  void copy(const StoredTensor& tensor, float* out) const;

 private:
  std::string bytes_;
  std::map<std::string, StoredTensor> tensors_;
};

/// The bytes of a file with these tensors, in this order.
std::string to_safetensors(const std::vector<TensorToStore>& tensors);

}  // namespace retort
