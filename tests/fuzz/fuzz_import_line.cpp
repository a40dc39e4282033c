// A line of somebody's data set is a pair that can be stored, or an error that says why; never anything else.
#include <cstdint>
#include <string_view>

#include "core/base/text.h"
#include "core/export/import_line.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace retort;
  const auto pair = imported_pair(std::string_view(reinterpret_cast<const char*>(data), size));
  if (!pair) {
    RETORT_ASSERT(!pair.error().message.empty());
    return 0;
  }
  RETORT_ASSERT(pair->messages.is_array() && !pair->messages.empty());
  RETORT_ASSERT(is_valid_utf8(pair->answer.text) && is_valid_utf8(pair->answer.reasoning));
  return 0;
}
