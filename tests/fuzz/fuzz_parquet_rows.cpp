// Any bytes are a Parquet file whose rows are JSON objects, or a file of which it is said what is wrong with it.
#include <cstdint>
#include <exception>
#include <memory>

#include <arrow/buffer.h>
#include <arrow/io/memory.h>

#include "core/base/json.h"
#include "core/parquet/module/row_reader.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace retort;
  constexpr int kRowsMax = 2000;  // a run of nulls may be as long as a file cares to say
  try {
    const auto bytes = std::make_shared<arrow::Buffer>(data, static_cast<std::int64_t>(size));
    const auto reader = RowReader::open(std::make_shared<arrow::io::BufferReader>(bytes));
    if (!reader) {
      RETORT_ASSERT(!reader.error().message.empty());
      return 0;
    }
    std::string text;
    for (int i = 0; i < kRowsMax; ++i) {
      const auto step = (*reader)->next(text);
      if (!step || *step == RowReader::Step::end) break;
      RETORT_ASSERT(!text.empty());
      if (*step != RowReader::Step::row) continue;
      const auto row = parse_json(text);
      RETORT_ASSERT(row && row->is_object());
    }
  } catch (const std::exception&) {  // as the module's entry does: Arrow throws
  }
  return 0;
}
