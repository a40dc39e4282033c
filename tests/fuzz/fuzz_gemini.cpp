// Any bytes as a reply in the dialect gemini, or as a question for it.
#include "tests/fuzz/codec_target.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return retort::fuzz_codec("gemini", data, size);
}
