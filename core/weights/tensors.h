// Tensors by name, where they lie in a file, and tensors to be written: what safetensors and GGUF have in common.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"
#include "core/weights/numbers.h"

namespace retort {

/// Row-major. `bytes` looks into the file, which must stay mapped.
struct StoredTensor {
  std::vector<std::int64_t> shape;
  Numbers numbers = Numbers::f32;
  std::string_view bytes;
  /// GGUF files of Llama hold the rows of q and k so that the halves of each head alternate; this is their number of
  /// heads. 0: rows are in order.
  std::int64_t interleaved_heads = 0;

  std::size_t count() const;
};
using TensorMap = std::map<std::string, StoredTensor, std::less<>>;

/// Copies the numbers as floats, in order; `out` has room for count() of them.
void read_floats(const StoredTensor& tensor, float* out);

/// `read` fills all numbers, row-major, when the tensor's turn has come.
struct TensorToWrite {
  std::string name;
  std::vector<std::int64_t> shape;
  Numbers numbers = Numbers::f32;
  std::function<void(float* out)> read;

  std::size_t count() const;
};

/// Takes bytes in order.
using ByteSink = std::function<Result<void>(std::string_view bytes)>;

/// The numbers of one tensor to a sink.
Result<void> write_numbers(const TensorToWrite& tensor, const ByteSink& sink);

/// The product of a shape; nothing if a size is negative or the product overflows.
std::optional<std::size_t> count_of(const std::vector<std::int64_t>& shape);

}  // namespace retort
