#include "core/parquet/parquet_file.h"

#include <array>
#include <filesystem>
#include <fstream>

#include "core/base/module_file.h"
#include "core/base/text.h"
#include "core/parquet/module.h"

namespace retort {
namespace {

constexpr const char* kFileName = "retort-parquet.so";
constexpr std::string_view kMagic = "PAR1", kMagicEncrypted = "PARE";

Result<const retort_parquet*> parquet_module() {
  static const Result<const retort_parquet*> loaded = []() -> Result<const retort_parquet*> {
    const OpenedModule opened = open_module(kFileName, "RETORT_PARQUET_MODULE", RETORT_PARQUET_ENTRY);
    if (opened.place.empty()) {
      return fail(Errc::usage, "Parquet wants the module " + std::string(kFileName) + ", which is not there" +
                                   opened.problem +
                                   ": install Arrow (libarrow-dev and libparquet-dev of Apache Arrow, or pip install "
                                   "pyarrow), and build retort again with -DRETORT_ARROW=WHERE");
    }
    const auto entry = reinterpret_cast<retort_parquet_entry_function>(opened.entry);
    const retort_parquet* module = entry == nullptr ? nullptr : entry(RETORT_PARQUET_ABI);
    if (module != nullptr) return module;
    return fail(Errc::usage,
                "the Parquet module " + opened.place + " is of another version of retort: build both together");
  }();
  return loaded;
}

std::string place_of(const std::string& path) { return path == "-" ? "/dev/stdin" : path; }

Failure failure_of(retort_parquet_status status, const retort_parquet_failure& failure) {
  return fail(status == RETORT_PARQUET_INTERNAL ? Errc::internal : Errc::usage, failure.message);
}

}  // namespace

bool begins_as_parquet(std::string_view bytes) {
  return bytes.starts_with(kMagic) || bytes.starts_with(kMagicEncrypted);
}

bool has_parquet_name(std::string_view path) { return lower_ascii(path).ends_with(".parquet"); }

bool is_parquet(const std::string& path) {
  const std::string place = place_of(path);
  std::error_code unknown;
  if (!std::filesystem::is_regular_file(place, unknown)) return false;
  if (has_parquet_name(place)) return true;
  std::array<char, 4> first{};
  std::ifstream file(place, std::ios::binary);
  file.read(first.data(), first.size());
  return begins_as_parquet({first.data(), static_cast<std::size_t>(file.gcount())});
}

Result<std::unique_ptr<ParquetRows>> ParquetRows::open(const std::string& path) {
  const auto module = parquet_module();
  if (!module) return fail(module.error());
  retort_parquet_rows* rows = nullptr;
  std::int64_t count = 0;
  retort_parquet_failure failure{};
  const retort_parquet_status status = (*module)->open(place_of(path).c_str(), &rows, &count, &failure);
  if (status != RETORT_PARQUET_OK) return failure_of(status, failure);
  return std::unique_ptr<ParquetRows>(new ParquetRows(**module, rows, count));
}

ParquetRows::~ParquetRows() { module_.close(rows_); }

Result<bool> ParquetRows::next(ParquetRow& row) {
  row = {};
  retort_parquet_text text{};
  retort_parquet_failure failure{};
  const retort_parquet_status status = module_.next(rows_, &text, &failure);
  switch (status) {
    case RETORT_PARQUET_OK:
      row.json.assign(text.data, text.size);
      return true;
    case RETORT_PARQUET_ROW:
      row.problem = failure.message;
      return true;
    case RETORT_PARQUET_END:
      return false;
    default:
      return failure_of(status, failure);
  }
}

Result<std::unique_ptr<ParquetFile>> ParquetFile::create(const Json& columns, std::string_view compression) {
  const auto module = parquet_module();
  if (!module) return fail(module.error());
  std::unique_ptr<ParquetFile> made(new ParquetFile(**module));
  const std::string settings = dump_json({{"columns", columns}, {"compression", compression}});
  const auto sink = [](void* context, retort_parquet_text bytes) { return on_bytes(context, bytes.data, bytes.size); };
  retort_parquet_failure failure{};
  const retort_parquet_status status =
      (*module)->create({settings.data(), settings.size()}, sink, made.get(), &made->file_, &failure);
  if (status != RETORT_PARQUET_OK) return failure_of(status, failure);
  return made;
}

ParquetFile::~ParquetFile() {
  if (file_ != nullptr) module_.discard(file_);
}

int ParquetFile::on_bytes(void* context, const char* data, std::size_t size) {
  auto& self = *static_cast<ParquetFile*>(context);
  RETORT_ASSERT(self.out_ != nullptr);
  if (self.sunk_) self.sunk_ = (*self.out_)({data, size});
  return self.sunk_ ? 0 : 1;
}

Result<void> ParquetFile::write(std::string_view line, const Sink& out) {
  out_ = &out;
  retort_parquet_failure failure{};
  const retort_parquet_status status = module_.write(file_, {line.data(), line.size()}, &failure);
  out_ = nullptr;
  if (!sunk_) return sunk_;
  return status == RETORT_PARQUET_OK ? Result<void>() : failure_of(status, failure);
}

Result<void> ParquetFile::finish(const Sink& out) {
  out_ = &out;
  retort_parquet_failure failure{};
  const retort_parquet_status status = module_.finish(file_, &failure);
  out_ = nullptr;
  if (!sunk_) return sunk_;
  return status == RETORT_PARQUET_OK ? Result<void>() : failure_of(status, failure);
}

}  // namespace retort
