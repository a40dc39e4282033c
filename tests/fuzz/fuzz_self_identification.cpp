// Any bytes may be an answer: whatever a model wrote, the search for its maker ends, and its claims lie within the
// text.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "core/base/assert.h"
#include "core/base/text.h"
#include "core/curate/self_identification.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const std::string text = retort::to_valid_utf8(bytes);
  for (const retort::SelfIdentification& claim : retort::self_identifications(bytes)) {
    RETORT_ASSERT(!claim.vendor.empty());
    RETORT_ASSERT(claim.begin < claim.end && claim.end <= text.size());
    RETORT_ASSERT(retort::is_valid_utf8(claim.span));
    RETORT_ASSERT(claim.span.find('\n') == std::string::npos);
  }
  return 0;
}
