// Compressed exports and imports: the same bytes each time, every line back, and damage that is named.
#include <fstream>

#include "core/base/random.h"
#include "core/export/compression.h"
#include "tests/catch.h"

namespace retort {
namespace {

std::string packed(const std::string& text, Compression compression, std::size_t step) {
  std::string bytes;
  const BytesOut out = [&bytes](std::string_view part) -> Result<void> {
    bytes += part;
    return {};
  };
  const auto packer = make_packer(compression);
  for (std::size_t at = 0; at < text.size(); at += step) REQUIRE_OK(packer->write(text.substr(at, step), out));
  REQUIRE_OK(packer->finish(out));
  return bytes;
}

struct Read {
  std::vector<std::string> lines;
  std::string error;
};

Read read_lines(const std::string& bytes, std::size_t step) {
  std::size_t at = 0;
  PackedLines lines([&](char* buffer, std::size_t room) -> Result<std::size_t> {
    const std::size_t n = std::min({room, step, bytes.size() - at});
    bytes.copy(buffer, n, at);
    at += n;
    return n;
  });
  Read read;
  for (std::string line;;) {
    const auto more = lines.next(line);
    if (!more) read.error = more.error().message;
    if (!more || !*more) return read;
    read.lines.push_back(line);
  }
}

std::string text_of(const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines) text += line + "\n";
  return text;
}

const std::vector<Compression> kAll = {Compression::none, Compression::gzip, Compression::zstd};

}  // namespace

TEST_CASE("lines come back out of every compression, whatever the steps", "[unit][compress]") {
  Random random(7);
  std::vector<std::string> lines = {"", "short", std::string(300'000, 'x')};
  for (int i = 0; i < 2000; ++i) {
    std::string line(static_cast<std::size_t>(random.between(0, 200)), ' ');
    for (char& c : line) c = static_cast<char>(random.between(' ', '~'));
    lines.push_back(line);
  }
  const std::string text = text_of(lines);
  for (const Compression compression : kAll) {
    const std::string bytes = packed(text, compression, 1000);
    CHECK(bytes == packed(text, compression, 1000));
    if (compression != Compression::none) CHECK(bytes.size() < text.size());
    for (const std::size_t step : {std::size_t{1}, std::size_t{17}, bytes.size()}) {
      const Read read = read_lines(bytes, step);
      CHECK(read.error.empty());
      CHECK(read.lines == lines);
    }
    // Files that were put one after another are one file; a last line needs no line feed.
    const Read twice = read_lines(bytes + packed("the end", compression, 3), 999);
    CHECK(twice.error.empty());
    REQUIRE(twice.lines.size() == lines.size() + 1);
    CHECK(twice.lines.back() == "the end");
  }
}

TEST_CASE("gzip says neither when nor where it was made", "[unit][compress]") {
  const std::string bytes = packed("a\n", Compression::gzip, 10);
  CHECK(bytes.substr(0, 10) == std::string("\x1f\x8b\x08\0\0\0\0\0\0\x03", 10));
}

TEST_CASE("a file that was cut or damaged is named, and what came before stands", "[unit][compress]") {
  std::vector<std::string> lines;
  for (int i = 0; i < 20'000; ++i) lines.push_back("line " + std::to_string(i * 7919));
  const std::string text = text_of(lines);
  for (const Compression compression : {Compression::gzip, Compression::zstd}) {
    const std::string bytes = packed(text, compression, 5000);
    for (const std::size_t size : {bytes.size() - 1, bytes.size() / 2, std::size_t{5}}) {
      const Read read = read_lines(bytes.substr(0, size), 4096);
      CHECK(read.error.find("ends in the middle") != std::string::npos);
      CHECK(read.lines.size() <= lines.size());
    }
    std::string damaged = bytes;
    for (std::size_t i = bytes.size() / 2; i < bytes.size() / 2 + 16; ++i) damaged[i] = static_cast<char>(~damaged[i]);
    CHECK(read_lines(damaged, 4096).error.find("damaged") != std::string::npos);
  }
}

TEST_CASE("an empty file has no line, and auto goes by the name", "[unit][compress]") {
  for (const Compression compression : kAll) {
    const Read read = read_lines(packed("", compression, 1), 10);
    CHECK(read.lines.empty());
    CHECK(read.error.empty());
  }
  CHECK(*compression_for("auto", "a.jsonl.gz") == Compression::gzip);
  CHECK(*compression_for("auto", "a.jsonl.zst") == Compression::zstd);
  CHECK(*compression_for("auto", "a.jsonl") == Compression::none);
  CHECK(*compression_for("zstd", "a.gz") == Compression::zstd);
  CHECK(compression_for("bzip2", "a").error().code == Errc::usage);
}

TEST_CASE("a bomb ends at the longest line that is taken", "[unit][compress]") {
  // A gigabyte of one letter in a megabyte of gzip, made without holding it.
  std::string bytes;
  const BytesOut out = [&bytes](std::string_view part) -> Result<void> {
    bytes += part;
    return {};
  };
  const auto packer = make_packer(Compression::zstd);
  const std::string part(std::size_t{1} << 20, 'a');
  for (int i = 0; i < 300; ++i) REQUIRE_OK(packer->write(part, out));
  REQUIRE_OK(packer->finish(out));
  REQUIRE(bytes.size() < 1 << 20);
  CHECK(read_lines(bytes, 1 << 16).error.find("longer than 256 MiB") != std::string::npos);
}

}  // namespace retort
