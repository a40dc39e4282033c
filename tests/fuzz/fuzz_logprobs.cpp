// Packed log probabilities, as a damaged or foreign corpus may hold them.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "storage/logprobs.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto tokens = retort::unpack_logprobs({reinterpret_cast<const char*>(data), size});
  if (tokens) (void)retort::pack_logprobs(*tokens);
  return 0;
}
