// Lines of JSON into a file or to standard output: as they are, compressed, or as the rows of a Parquet file.
#include <cerrno>
#include <cstdio>
#include <optional>

#include "cli/command.h"
#include "cli/output_file.h"
#include "cli/pair_writer.h"
#include "core/parquet/parquet_file.h"

namespace retort {
namespace {

const char* word(Compression compression) {
  return compression == Compression::gzip ? "gzip" : compression == Compression::zstd ? "zstd" : "none";
}

/// A row a write.
class ParquetPacker final : public Packer {
 public:
  explicit ParquetPacker(std::unique_ptr<ParquetFile> file) : file_(std::move(file)) {}
  Result<void> write(std::string_view line, const BytesOut& out) override { return file_->write(line, out); }
  Result<void> finish(const BytesOut& out) override { return file_->finish(out); }

 private:
  std::unique_ptr<ParquetFile> file_;
};

class LinesWriter final : public PairWriter {
 public:
  LinesWriter(std::unique_ptr<PairFormat> format, LinesPlace place, std::unique_ptr<Packer> packer)
      : format_(std::move(format)), place_(std::move(place)), packer_(std::move(packer)) {}

  bool wants_preference() const override { return format_->wants_preference(); }

  Result<void> open() override {
    if (place_.output == "-") {
      out_ = [](std::string_view bytes) -> Result<void> {
        if (std::fwrite(bytes.data(), 1, bytes.size(), stdout) != bytes.size()) stdout_failed();
        return {};
      };
      return {};
    }
    auto file = OutputFile::create(place_.output);
    if (!file) return fail(file.error());
    file_.emplace(std::move(*file));
    out_ = [this](std::string_view bytes) { return file_->write(bytes); };
    return {};
  }

  Result<std::string> write(const Pair& pair, const Pair* rejected) override {
    RenderedPair rendered = format_->render(pair, rejected);
    if (!rendered.line) return std::move(rendered.left_out);
    if (auto done = packer_->write(*rendered.line += '\n', out_); !done) return fail(done.error());
    return std::string();
  }

  Result<void> finish() override {
    if (auto done = packer_->finish(out_); !done) return done;
    if (file_) return file_->finish();
    if (std::fflush(stdout) != 0) stdout_failed();
    return {};
  }

  Result<void> commit() override { return file_ ? file_->commit() : Result<void>(); }

  void describe(Json& part) const override {
    if (place_.parquet) part["container"] = "parquet";
    if (place_.compression != Compression::none) part["compression"] = word(place_.compression);
  }

 private:
  std::unique_ptr<PairFormat> format_;
  LinesPlace place_;
  std::unique_ptr<Packer> packer_;
  std::optional<OutputFile> file_;  ///< none: standard output
  BytesOut out_;
};

}  // namespace

Result<std::unique_ptr<PairWriter>> lines_writer(std::unique_ptr<PairFormat> format, LinesPlace place) {
  std::unique_ptr<Packer> packer;
  if (place.parquet) {
    auto file = ParquetFile::create(format->columns(), word(place.compression));
    if (!file) return fail(file.error());
    packer = std::make_unique<ParquetPacker>(std::move(*file));
  } else {
    packer = make_packer(place.compression);
  }
  return std::unique_ptr<PairWriter>(
      std::make_unique<LinesWriter>(std::move(format), std::move(place), std::move(packer)));
}

}  // namespace retort
