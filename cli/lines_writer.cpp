// Lines of JSON into a file or to standard output, compressed if wished.
#include <cerrno>
#include <cstdio>
#include <optional>

#include "cli/command.h"
#include "cli/output_file.h"
#include "cli/pair_writer.h"

namespace retort {
namespace {

const char* word(Compression compression) {
  return compression == Compression::gzip ? "gzip" : compression == Compression::zstd ? "zstd" : "none";
}

class LinesWriter final : public PairWriter {
 public:
  LinesWriter(std::unique_ptr<PairFormat> format, std::string output, Compression compression)
      : format_(std::move(format)),
        output_(std::move(output)),
        compression_(compression),
        packer_(make_packer(compression)) {}

  bool wants_preference() const override { return format_->wants_preference(); }

  Result<void> open() override {
    if (output_ == "-") {
      out_ = [](std::string_view bytes) -> Result<void> {
        if (std::fwrite(bytes.data(), 1, bytes.size(), stdout) != bytes.size()) stdout_failed();
        return {};
      };
      return {};
    }
    auto file = OutputFile::create(output_);
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
    if (compression_ != Compression::none) part["compression"] = word(compression_);
  }

 private:
  std::unique_ptr<PairFormat> format_;
  std::string output_;
  Compression compression_;
  std::unique_ptr<Packer> packer_;
  std::optional<OutputFile> file_;  ///< none: standard output
  BytesOut out_;
};

}  // namespace

std::unique_ptr<PairWriter> lines_writer(std::unique_ptr<PairFormat> format, std::string output,
                                         Compression compression) {
  return std::make_unique<LinesWriter>(std::move(format), std::move(output), compression);
}

}  // namespace retort
