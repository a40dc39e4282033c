// Rows of JSON into a file of Parquet, row group by row group.
#pragma once

#include <memory>
#include <string_view>

#include <arrow/array/builder_base.h>
#include <arrow/io/interfaces.h>
#include <arrow/type.h>
#include <arrow/util/compression.h>
#include <parquet/arrow/writer.h>

#include "core/base/json.h"
#include "core/base/result.h"

namespace retort {

/// Arrow throws parquet::ParquetException from write and finish.
class RowWriter {
 public:
  /// `columns` is a row whose leaves are "text" or "integer" and whose lists have one element. Errc::usage if this
  /// Arrow was built without the compression.
  static Result<std::unique_ptr<RowWriter>> create(const Json& columns, std::string_view compression,
                                                   std::shared_ptr<arrow::io::OutputStream> out);

  /// Errc::internal if the row is no object of those columns, or the stream takes no more.
  Result<void> write(std::string_view row);
  Result<void> finish();

 private:
  arrow::Status flush();

  std::shared_ptr<arrow::Schema> schema_;
  std::shared_ptr<arrow::io::OutputStream> out_;
  arrow::Compression::type compression_ = arrow::Compression::UNCOMPRESSED;
  std::unique_ptr<arrow::ArrayBuilder> rows_;  ///< of structs: the columns
  std::size_t held_ = 0;                       ///< bytes of JSON in `rows_`
  std::unique_ptr<parquet::arrow::FileWriter> file_;
};

}  // namespace retort
