// What a provider says of its batches, as any bytes: an id that goes into a URL is plain, words are one valid line,
// counts are not negative, and a batch that is over says so once.
#include <cstdint>
#include <string_view>

#include "core/base/assert.h"
#include "core/base/text.h"
#include "core/batch/batch_api.h"
#include "core/batch/result_lines.h"

namespace {

using namespace retort;

void check(const BatchView& view) {
  RETORT_ASSERT(is_plain_id(view.id) && !view.status.empty());
  RETORT_ASSERT(is_valid_utf8(view.status) && is_valid_utf8(view.problem));
  RETORT_ASSERT(view.status.find('\n') == std::string::npos && view.problem.find('\n') == std::string::npos);
  RETORT_ASSERT(view.total >= 0 && view.completed >= 0 && view.failed >= 0);
  RETORT_ASSERT(!view.rejected || (view.over && view.result_files.empty()));
  for (const std::string& file : view.result_files) RETORT_ASSERT(is_plain_id(file));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const auto openai = make_openai_batch("http://t/v1", {});
  static const auto anthropic = make_anthropic_batch("http://t", {});
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  for (const BatchApi* api : {openai.get(), anthropic.get()}) {
    if (const auto view = api->read_batch(text)) check(*view);
    if (const auto page = api->read_page(text)) {
      for (const BatchView& view : page->batches) check(view);
    }
    if (const auto file = api->read_upload(text)) RETORT_ASSERT(is_plain_id(*file));
  }
  return 0;
}
