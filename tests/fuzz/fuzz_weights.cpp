// Any bytes as a GGUF or a safetensors file are read or refused; what is read lies within the file, and a GGUF that
// names a model has a configuration that holds together.
#include <cstdint>
#include <string_view>

#include "core/base/assert.h"
#include "core/weights/gguf_model.h"
#include "core/weights/safetensors.h"

namespace {

constexpr std::size_t kNumbersMax = 1 << 20;

void touch(const retort::TensorMap& tensors, std::string_view bytes) {
  for (const auto& [name, tensor] : tensors) {
    RETORT_ASSERT(tensor.bytes.empty() || (tensor.bytes.data() >= bytes.data() &&
                                           tensor.bytes.data() + tensor.bytes.size() <= bytes.data() + bytes.size()));
    if (tensor.count() > kNumbersMax) continue;
    std::vector<float> values(tensor.count());
    read_floats(tensor, values.data());
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace retort;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  if (const auto tensors = parse_safetensors(bytes)) touch(*tensors, bytes);
  const auto gguf = parse_gguf(bytes);
  if (!gguf) return 0;
  touch(gguf->tensors, bytes);
  const auto config = config_from_gguf(*gguf);
  if (!config) return 0;
  RETORT_ASSERT(check_config(*config).has_value());
  if (const auto tensors = tensors_from_gguf(*gguf, *config)) touch(*tensors, bytes);
  return 0;
}
