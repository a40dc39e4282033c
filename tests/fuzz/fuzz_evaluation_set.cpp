// An evaluation set is a file from outside, and a text may be any bytes: reading, indexing and searching end, and an
// item long enough is found in itself.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "core/base/assert.h"
#include "core/base/text.h"
#include "core/curate/dedupe/near_duplicates.h"
#include "core/curate/evaluation_index.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  (void)retort::evaluation_items(bytes, "set");
  const retort::EvaluationIndex index({{"set", "1", std::string(bytes)}}, {});
  const auto found = index.find(bytes);
  RETORT_ASSERT(found.has_value() == (index.items_not_indexed() == 0));
  RETORT_ASSERT(!found || found->share == 1);
  const retort::Signature signature = retort::signature_of(bytes, {});
  const bool has_words = signature != retort::Signature{};
  RETORT_ASSERT(!has_words || retort::true_jaccard(bytes, bytes, 5) == 1);
  return 0;
}
