// The module's one symbol. Every exception ends here: Arrow throws ParquetException, the standard library bad_alloc.
#include <cstdio>
#include <exception>
#include <functional>
#include <new>

#include <arrow/config.h>
#include <arrow/io/file.h>
#include <arrow/util/config.h>

#include "core/base/text.h"
#include "core/parquet/module.h"
#include "core/parquet/module/row_reader.h"
#include "core/parquet/module/row_writer.h"

struct retort_parquet_rows {
  std::unique_ptr<retort::RowReader> reader;
  std::string text;
};

struct retort_parquet_file {
  std::unique_ptr<retort::RowWriter> writer;
  bool sink_failed = false;
};

namespace retort {
namespace {

retort_parquet_status told(retort_parquet_status status, const std::string& message, retort_parquet_failure* failure) {
  std::snprintf(failure->message, sizeof failure->message, "%s",
                shortened(on_one_line(message), sizeof failure->message - 8).c_str());
  return status;
}

retort_parquet_status told(const Error& error, retort_parquet_failure* failure) {
  return told(error.code == Errc::usage ? RETORT_PARQUET_USAGE : RETORT_PARQUET_INTERNAL, error.message, failure);
}

// What an exception says comes of the file when one is read, of us when one is written.
retort_parquet_status guarded(retort_parquet_status thrown, retort_parquet_failure* failure,
                              const std::function<retort_parquet_status()>& job) {
  try {
    return job();
  } catch (const std::bad_alloc&) {
    return told(RETORT_PARQUET_INTERNAL, "Parquet: not enough memory", failure);
  } catch (const std::exception& error) {
    return told(thrown, arrow_words(error.what()), failure);
  } catch (...) {
    return told(thrown, "an unknown exception", failure);
  }
}

// Whatever goes wrong with a file is said of the file.
retort_parquet_status open_rows(const char* path, retort_parquet_rows** rows, std::int64_t* count,
                                retort_parquet_failure* failure) {
  const std::string name = path;
  const retort_parquet_status status = guarded(RETORT_PARQUET_USAGE, failure, [&] {
    auto file = arrow::io::ReadableFile::Open(name);
    if (!file.ok()) return told(RETORT_PARQUET_USAGE, arrow_words(file.status().message()), failure);
    auto reader = RowReader::open(*file);
    if (!reader) return told(reader.error(), failure);
    *count = (*reader)->count();
    *rows = new retort_parquet_rows{std::move(*reader), {}};
    return RETORT_PARQUET_OK;
  });
  if (status != RETORT_PARQUET_USAGE) return status;
  return told(status, "cannot read " + name + " as Parquet: " + failure->message, failure);
}

retort_parquet_status next_row(retort_parquet_rows* rows, retort_parquet_text* row, retort_parquet_failure* failure) {
  const retort_parquet_status status = guarded(RETORT_PARQUET_USAGE, failure, [&] {
    const auto step = rows->reader->next(rows->text);
    if (!step) return told(step.error(), failure);
    *row = {rows->text.data(), rows->text.size()};
    if (*step == RowReader::Step::end) return RETORT_PARQUET_END;
    return *step == RowReader::Step::row ? RETORT_PARQUET_OK : told(RETORT_PARQUET_ROW, rows->text, failure);
  });
  if (status != RETORT_PARQUET_USAGE) return status;
  return told(status, std::string("Parquet cannot be read from here on: ") + failure->message, failure);
}

void close_rows(retort_parquet_rows* rows) { delete rows; }

/// Bytes go to the host as they come: Parquet is written from front to back.
class HostStream final : public arrow::io::OutputStream {
 public:
  HostStream(retort_parquet_sink sink, void* context, bool& failed) : sink_(sink), context_(context), failed_(failed) {}

  arrow::Status Write(const void* data, std::int64_t size) override {
    if (!failed_) failed_ = sink_(context_, {static_cast<const char*>(data), static_cast<std::size_t>(size)}) != 0;
    if (failed_) return arrow::Status::IOError("the bytes could not be written");
    at_ += size;
    return arrow::Status::OK();
  }
  using OutputStream::Write;
  arrow::Status Close() override {
    closed_ = true;
    return arrow::Status::OK();
  }
  bool closed() const override { return closed_; }
  arrow::Result<std::int64_t> Tell() const override { return at_; }

 private:
  retort_parquet_sink sink_;
  void* context_;
  bool& failed_;
  std::int64_t at_ = 0;
  bool closed_ = false;
};

retort_parquet_status create_file(retort_parquet_text settings, retort_parquet_sink sink, void* context,
                                  retort_parquet_file** file, retort_parquet_failure* failure) {
  return guarded(RETORT_PARQUET_INTERNAL, failure, [&] {
    const auto wanted = parse_json({settings.data, settings.size});
    if (!wanted) return told(RETORT_PARQUET_INTERNAL, wanted.error().message, failure);
    auto made = std::make_unique<retort_parquet_file>();
    auto writer = RowWriter::create(json_child(*wanted, "columns"), json_text(*wanted, "compression"),
                                    std::make_shared<HostStream>(sink, context, made->sink_failed));
    if (!writer) return told(writer.error(), failure);
    made->writer = std::move(*writer);
    *file = made.release();
    return RETORT_PARQUET_OK;
  });
}

retort_parquet_status written(retort_parquet_file& file, const Result<void>& result, retort_parquet_failure* failure) {
  if (file.sink_failed) return RETORT_PARQUET_HOST;
  return result ? RETORT_PARQUET_OK : told(RETORT_PARQUET_INTERNAL, "Parquet: " + result.error().message, failure);
}

retort_parquet_status write_row(retort_parquet_file* file, retort_parquet_text row, retort_parquet_failure* failure) {
  return guarded(RETORT_PARQUET_INTERNAL, failure, [&] {
    return written(*file, file->writer->write({row.data, row.size}), failure);
  });
}

retort_parquet_status finish_file(retort_parquet_file* file, retort_parquet_failure* failure) {
  return guarded(RETORT_PARQUET_INTERNAL, failure, [&] { return written(*file, file->writer->finish(), failure); });
}

// Arrow's writer finishes its file when it is destroyed; the host wants none of that.
void discard_file(retort_parquet_file* file) {
  if (file == nullptr) return;
  file->sink_failed = true;
  retort_parquet_failure ignored{};
  guarded(RETORT_PARQUET_INTERNAL, &ignored, [&] {
    file->writer.reset();
    return RETORT_PARQUET_OK;
  });
  delete file;
}

}  // namespace
}  // namespace retort

extern "C" __attribute__((visibility("default"))) const retort_parquet* retort_parquet_entry(uint32_t host_abi) {
  static const std::string description = "Arrow " + arrow::GetBuildInfo().version_string;
  static const retort_parquet module{RETORT_PARQUET_ABI, description.c_str(), retort::open_rows,
                                     retort::next_row,   retort::close_rows,  retort::create_file,
                                     retort::write_row,  retort::finish_file, retort::discard_file};
  return host_abi == RETORT_PARQUET_ABI ? &module : nullptr;
}
