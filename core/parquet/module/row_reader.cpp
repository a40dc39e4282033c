#include "core/parquet/module/row_reader.h"

#include <arrow/util/config.h>
#include <parquet/file_reader.h>
#include <parquet/metadata.h>
#include <parquet/properties.h>

#include "core/base/json.h"
#include "core/base/text.h"
#include "core/parquet/module/cell_json.h"

namespace retort {
namespace {

constexpr std::int64_t kRowsInABatch = 64, kBufferBytes = std::int64_t{1} << 18;
constexpr std::size_t kRowBytes = std::size_t{256} << 20;  // as for a line of JSON

Failure damaged(const arrow::Status& status) { return fail(Errc::usage, arrow_words(status.message())); }

}  // namespace

std::string arrow_words(const std::string& message) {
  std::string words = shortened(on_one_line(message), 300);
  while (words.ends_with('.') || words.ends_with(' ')) words.pop_back();
  return words;
}

Result<std::unique_ptr<RowReader>> RowReader::open(std::shared_ptr<arrow::io::RandomAccessFile> file) {
  std::unique_ptr<RowReader> made(new RowReader);
  parquet::ReaderProperties bytes(&made->pool_);
  bytes.enable_buffered_stream();  // else a column's part of a row group is read at once
  bytes.set_buffer_size(kBufferBytes);
  bytes.set_page_checksum_verification(true);
  parquet::ArrowReaderProperties arrow(false);
  arrow.set_batch_size(kRowsInABatch);
  arrow.set_pre_buffer(false);
#if ARROW_VERSION_MAJOR >= 21
  arrow.set_arrow_extensions_enabled(true);  // UUIDs as such
#endif
  parquet::arrow::FileReaderBuilder builder;
  if (auto opened = builder.Open(std::move(file), bytes); !opened.ok()) return damaged(opened);
  builder.memory_pool(&made->pool_)->properties(arrow);
  if (auto built = builder.Build(&made->file_); !built.ok()) return damaged(built);
  std::shared_ptr<arrow::Schema> schema;
  if (auto read = made->file_->GetSchema(&schema); !read.ok()) return damaged(read);
  if (schema->num_fields() == 0) return fail(Errc::usage, "it has no columns");
  if (auto column = unreadable_column(*schema)) return fail(Errc::usage, std::move(*column));
#if ARROW_VERSION_MAJOR >= 21
  auto batches = made->file_->GetRecordBatchReader();
  if (!batches.ok()) return damaged(batches.status());
  made->batches_ = std::move(*batches);
#else
  if (auto begun = made->file_->GetRecordBatchReader(&made->batches_); !begun.ok()) return damaged(begun);
#endif
  return made;
}

std::int64_t RowReader::count() const { return file_->parquet_reader()->metadata()->num_rows(); }

Result<bool> RowReader::load() {
  do {
    batch_.reset();  // before the next one is made
    if (auto read = batches_->ReadNext(&batch_); !read.ok()) return damaged(read);
    if (batch_ == nullptr) return false;
  } while (batch_->num_rows() == 0);
  if (auto valid = batch_->Validate(); !valid.ok()) return damaged(valid);
  at_ = 0;
  return true;
}

Result<RowReader::Step> RowReader::next(std::string& text) {
  if (batch_ == nullptr || at_ == batch_->num_rows()) {
    const auto more = load();
    if (!more) return fail(more.error());
    if (!*more) return Step::end;
  }
  Json row = Json::object();
  std::size_t room = kRowBytes;
  for (int i = 0; i < batch_->num_columns(); ++i) {
    auto value = cell_json(*batch_->column(i), at_, room);
    if (!value) {
      text = "column '" + shortened(batch_->column_name(i), 100) + "' " + value.error().message;
      ++at_;
      return Step::problem;
    }
    if (!value->is_null()) row[batch_->column_name(i)] = std::move(*value);
  }
  ++at_;
  text = dump_json(row);
  return Step::row;
}

}  // namespace retort
