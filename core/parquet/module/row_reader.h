// The rows of a Parquet file, one at a time, as JSON objects.
#pragma once

#include <memory>
#include <string>

#include <arrow/io/interfaces.h>
#include <arrow/record_batch.h>
#include <parquet/arrow/reader.h>

#include "core/base/result.h"
#include "core/parquet/module/capped_pool.h"

namespace retort {

/// Arrow throws parquet::ParquetException (from open and next), and the standard library bad_alloc.
class RowReader {
 public:
  /// Errc::usage if it is no Parquet, is damaged, or has a column that JSON cannot say.
  static Result<std::unique_ptr<RowReader>> open(std::shared_ptr<arrow::io::RandomAccessFile> file);

  enum class Step { row, problem, end };
  /// `text` is the row as a JSON object, or what is wrong with this row alone. Errc::usage: the file is damaged.
  Result<Step> next(std::string& text);
  std::int64_t count() const;

 private:
  Result<bool> load();

  CappedPool pool_{std::int64_t{512} << 20};  ///< first: what follows lives in it
  std::unique_ptr<parquet::arrow::FileReader> file_;
  std::unique_ptr<arrow::RecordBatchReader> batches_;
  std::shared_ptr<arrow::RecordBatch> batch_;
  std::int64_t at_ = 0;  ///< in the batch
};

/// One line that says what Arrow says. The name of the file is for the caller to say.
std::string arrow_words(const std::string& message);

}  // namespace retort
