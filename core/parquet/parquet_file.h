// Parquet as lines of JSON: what data sets are kept in, through a module that links Arrow (core/parquet/module) and is
// opened on first use.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "core/base/json.h"
#include "core/base/result.h"

struct retort_parquet;
struct retort_parquet_rows;
struct retort_parquet_file;

namespace retort {

/// Whether a file is Parquet by its first bytes, or is to be by its name (.parquet). Only regular files: Parquet is
/// read from its end. Opens no pipe. "-" is standard input here and below, which may be a file.
bool is_parquet(const std::string& path);
bool has_parquet_name(std::string_view path);
/// Whether what comes through a pipe begins as Parquet does.
bool begins_as_parquet(std::string_view bytes);
inline constexpr const char* kParquetInAPipe =
    "this is Parquet, which cannot be read from a pipe: save it as a file and name that";

/// One row. Exactly one of both is set.
struct ParquetRow {
  std::string json;     ///< an object; what is null in Parquet is not in it, since Parquet cannot say 'absent'
  std::string problem;  ///< why this row cannot be said in JSON
};

/// Reads in small steps: memory does not grow with the file.
class ParquetRows {
 public:
  /// Errc::usage: no module, no such file, no Parquet, or a column of a type that JSON cannot say.
  static Result<std::unique_ptr<ParquetRows>> open(const std::string& path);
  ~ParquetRows();
  ParquetRows(const ParquetRows&) = delete;
  ParquetRows& operator=(const ParquetRows&) = delete;

  /// False at the end. Errc::usage if the file is damaged: then nothing more comes.
  Result<bool> next(ParquetRow& row);
  std::int64_t count() const { return count_; }

 private:
  ParquetRows(const retort_parquet& module, retort_parquet_rows* rows, std::int64_t count)
      : module_(module), rows_(rows), count_(count) {}

  const retort_parquet& module_;
  retort_parquet_rows* rows_;
  std::int64_t count_;
};

/// Lines of JSON into a file of Parquet, row group by row group. The same lines give the same bytes with the same
/// Arrow.
class ParquetFile {
 public:
  using Sink = std::function<Result<void>(std::string_view)>;

  /// `columns` is a row whose leaves are "text" or "integer", and whose lists have one element. `compression` is
  /// "zstd", "gzip" or "none". Errc::usage: no module, or Arrow lacks that compression.
  static Result<std::unique_ptr<ParquetFile>> create(const Json& columns, std::string_view compression);
  ~ParquetFile();
  ParquetFile(const ParquetFile&) = delete;
  ParquetFile& operator=(const ParquetFile&) = delete;

  /// Gives to `out` what became of the lines so far. A line is one JSON object of the columns.
  Result<void> write(std::string_view line, const Sink& out);
  /// The rest; nothing may be written after it.
  Result<void> finish(const Sink& out);

 private:
  explicit ParquetFile(const retort_parquet& module) : module_(module) {}
  static int on_bytes(void* context, const char* data, std::size_t size);

  const retort_parquet& module_;
  retort_parquet_file* file_ = nullptr;
  const Sink* out_ = nullptr;  ///< during a call
  Result<void> sunk_;
};

}  // namespace retort
