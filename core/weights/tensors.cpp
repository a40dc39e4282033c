#include "core/weights/tensors.h"

#include <cstring>

#include "core/base/assert.h"

namespace retort {

std::optional<std::size_t> count_of(const std::vector<std::int64_t>& shape) {
  std::size_t count = 1;
  for (const std::int64_t size : shape) {
    if (size < 0 || __builtin_mul_overflow(count, static_cast<std::size_t>(size), &count)) return std::nullopt;
  }
  return count;
}

std::size_t StoredTensor::count() const { return count_of(shape).value_or(0); }
std::size_t TensorToWrite::count() const { return count_of(shape).value_or(0); }

void read_floats(const StoredTensor& tensor, float* out) {
  const std::size_t count = tensor.count();
  to_floats(tensor.numbers, tensor.bytes, count, out);
  if (tensor.interleaved_heads == 0 || count == 0) return;
  const std::vector<float> mixed(out, out + count);
  const auto rows = static_cast<std::size_t>(tensor.shape[0]), width = count / rows;
  const std::size_t head = rows / static_cast<std::size_t>(tensor.interleaved_heads);
  RETORT_ASSERT(head % 2 == 0 && head * static_cast<std::size_t>(tensor.interleaved_heads) == rows);
  for (std::size_t row = 0; row < rows; ++row) {
    const std::size_t in_head = row % head, half = in_head / (head / 2), pair = in_head % (head / 2);
    const std::size_t from = row - in_head + 2 * pair + half;
    std::memcpy(out + row * width, mixed.data() + from * width, width * sizeof(float));
  }
}

Result<void> write_numbers(const TensorToWrite& tensor, const ByteSink& sink) {
  std::vector<float> values(tensor.count());
  tensor.read(values.data());
  if (tensor.numbers == Numbers::f32)
    return sink({reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float)});
  std::string bytes;
  from_floats(tensor.numbers, values.data(), values.size(), bytes);
  return sink(bytes);
}

}  // namespace retort
