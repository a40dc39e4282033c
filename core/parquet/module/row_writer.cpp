#include "core/parquet/module/row_writer.h"

#include <arrow/array/builder_binary.h>
#include <arrow/array/builder_nested.h>
#include <arrow/array/builder_primitive.h>
#include <arrow/builder.h>
#include <arrow/memory_pool.h>
#include <arrow/record_batch.h>
#include <arrow/table.h>
#include <parquet/properties.h>

#include "core/parquet/module/row_reader.h"

namespace retort {
namespace {

// A row group stands in memory until it is whole, here and in most readers; smaller ones pack worse.
constexpr std::size_t kGroupBytes = std::size_t{16} << 20;

std::shared_ptr<arrow::DataType> type_of(const Json& shape) {
  if (shape == "text") return arrow::utf8();
  if (shape == "integer") return arrow::int64();
  if (shape.is_array() && shape.size() == 1) {
    auto element = type_of(shape[0]);
    return element == nullptr ? nullptr : arrow::list(std::move(element));
  }
  if (!shape.is_object() || shape.empty()) return nullptr;
  arrow::FieldVector fields;
  for (const auto& [name, part] : shape.items()) {
    auto type = type_of(part);
    if (type == nullptr) return nullptr;
    fields.push_back(arrow::field(name, std::move(type)));
  }
  return arrow::struct_(std::move(fields));
}

arrow::Status misfit(const arrow::ArrayBuilder& builder) {
  return arrow::Status::Invalid("a row does not fit its columns, at ", builder.type()->ToString());
}

arrow::Status append(arrow::ArrayBuilder& builder, const Json& value) {
  if (value.is_null()) return builder.AppendNull();
  switch (builder.type()->id()) {
    case arrow::Type::STRING:
      if (!value.is_string()) return misfit(builder);
      return static_cast<arrow::StringBuilder&>(builder).Append(value.get_ref<const std::string&>());
    case arrow::Type::INT64:
      if (!value.is_number_integer()) return misfit(builder);
      return static_cast<arrow::Int64Builder&>(builder).Append(value.get<std::int64_t>());
    case arrow::Type::LIST: {
      if (!value.is_array()) return misfit(builder);
      auto& list = static_cast<arrow::ListBuilder&>(builder);
      ARROW_RETURN_NOT_OK(list.Append());
      for (const Json& element : value) ARROW_RETURN_NOT_OK(append(*list.value_builder(), element));
      return arrow::Status::OK();
    }
    default: {
      if (!value.is_object()) return misfit(builder);
      auto& structure = static_cast<arrow::StructBuilder&>(builder);
      ARROW_RETURN_NOT_OK(structure.Append());
      static const Json absent;
      std::size_t known = 0;
      for (int i = 0; i < structure.num_fields(); ++i) {
        const auto member = value.find(structure.type()->field(i)->name());
        known += member != value.end() ? 1 : 0;
        ARROW_RETURN_NOT_OK(append(*structure.field_builder(i), member != value.end() ? *member : absent));
      }
      return known == value.size() ? arrow::Status::OK() : misfit(builder);
    }
  }
}

Result<void> done(const arrow::Status& status) {
  return status.ok() ? Result<void>() : fail(Errc::internal, arrow_words(status.message()));
}

}  // namespace

Result<std::unique_ptr<RowWriter>> RowWriter::create(const Json& columns, std::string_view compression,
                                                     std::shared_ptr<arrow::io::OutputStream> out) {
  const auto type = columns.is_object() ? type_of(columns) : nullptr;
  if (type == nullptr) return fail(Errc::internal, "the columns are none");
  std::unique_ptr<RowWriter> made(new RowWriter);
  made->schema_ = arrow::schema(type->fields());
  made->out_ = std::move(out);
  if (compression == "zstd") made->compression_ = arrow::Compression::ZSTD;
  if (compression == "gzip") made->compression_ = arrow::Compression::GZIP;
  if (!arrow::util::Codec::IsAvailable(made->compression_)) {
    return fail(Errc::usage, "this Arrow was built without " + std::string(compression) +
                                 ": choose another with --compress gzip, zstd or none");
  }
  if (auto built = arrow::MakeBuilder(arrow::default_memory_pool(), type, &made->rows_); !built.ok())
    return fail(done(built).error());
  return made;
}

Result<void> RowWriter::write(std::string_view row) {
  const auto parsed = parse_json(row);
  if (!parsed) return fail(Errc::internal, parsed.error().message);
  if (!parsed->is_object()) return fail(Errc::internal, "a row is no object");
  if (auto added = append(*rows_, *parsed); !added.ok()) return done(added);
  held_ += row.size();
  return held_ < kGroupBytes ? Result<void>() : done(flush());
}

arrow::Status RowWriter::flush() {
  if (file_ == nullptr) {
    parquet::WriterProperties::Builder properties;
    properties.compression(compression_)->enable_page_checksum();
    auto opened = parquet::arrow::FileWriter::Open(*schema_, arrow::default_memory_pool(), out_, properties.build());
    ARROW_RETURN_NOT_OK(opened.status());
    file_ = std::move(*opened);
  }
  if (rows_->length() == 0) return arrow::Status::OK();
  std::shared_ptr<arrow::Array> rows;
  ARROW_RETURN_NOT_OK(rows_->Finish(&rows));
  held_ = 0;
  const auto batch = arrow::RecordBatch::FromStructArray(rows);
  ARROW_RETURN_NOT_OK(batch.status());
  const auto table = arrow::Table::FromRecordBatches({*batch});
  ARROW_RETURN_NOT_OK(table.status());
  return file_->WriteTable(**table, rows->length());
}

Result<void> RowWriter::finish() {
  if (auto flushed = flush(); !flushed.ok()) return done(flushed);
  return done(file_->Close());
}

}  // namespace retort
