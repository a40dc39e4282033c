// Stands in for libFuzzer where there is no clang: runs a target over its seeds and over thousands of mutations of
// them, the same ones every time.   fuzz_NAME SEED_FOLDER [MUTATIONS]
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "core/base/random.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

using retort::Random;

void run(const std::string& input) {
  // A copy of exactly that size, so that a sanitizer sees a read beyond it.
  const std::vector<std::uint8_t> bytes(input.begin(), input.end());
  LLVMFuzzerTestOneInput(bytes.data(), bytes.size());
}

std::size_t place(Random& random, const std::string& text) {
  return static_cast<std::size_t>(random.between(0, static_cast<std::int64_t>(text.size())));
}

/// One small damage: what fuzzers have found to find most.
void mutate(std::string& text, const std::vector<std::string>& seeds, Random& random) {
  static const std::vector<std::string> kTokens{"\"",
                                                "{",
                                                "}",
                                                "[",
                                                "]",
                                                "null",
                                                "-1",
                                                "1e999999",
                                                "18446744073709551616",
                                                "\\u0000",
                                                "\\ud800",
                                                "\xff",
                                                "\xef\xbb\xbf",
                                                "\r\n",
                                                ":",
                                                ",",
                                                "data: ",
                                                "true",
                                                " "};
  const std::size_t at = place(random, text);
  const std::size_t length = std::min(static_cast<std::size_t>(random.between(1, 16)), text.size() - at);
  switch (random.between(0, 6)) {
    case 0:
      text.erase(at, length);
      break;
    case 1:
      text.resize(at);
      break;
    case 2:
      text.insert(at, text.substr(at, length));
      break;
    case 3:
      text.insert(at,
                  kTokens[static_cast<std::size_t>(random.between(0, static_cast<std::int64_t>(kTokens.size()) - 1))]);
      break;
    case 4:
      text.insert(at, static_cast<std::size_t>(random.between(1, 300)), static_cast<char>(random.between(0, 255)));
      break;
    case 5: {
      const std::string& other =
          seeds[static_cast<std::size_t>(random.between(0, static_cast<std::int64_t>(seeds.size()) - 1))];
      text = text.substr(0, at) + other.substr(place(random, other));
      break;
    }
    default:
      if (at < text.size()) text[at] = static_cast<char>(random.between(0, 255));
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: %s SEED_FOLDER [MUTATIONS]\n", argv[0]);
    return 2;
  }
  const long mutations = argc > 2 ? std::atol(argv[2]) : 20'000;
  std::vector<std::filesystem::path> files;
  if (std::filesystem::is_directory(argv[1])) {
    for (const auto& entry : std::filesystem::directory_iterator(argv[1])) files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  std::vector<std::string> seeds;
  for (const auto& file : files) {
    std::ifstream stream(file, std::ios::binary);
    seeds.emplace_back(std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>());
  }
  if (seeds.empty()) {
    std::fprintf(stderr, "no seeds in %s\n", argv[1]);
    return 2;
  }
  run("");
  for (const std::string& seed : seeds) run(seed);
  Random random(20221130);
  for (long i = 0; i < mutations; ++i) {
    std::string text = seeds[static_cast<std::size_t>(i) % seeds.size()];
    for (std::int64_t times = random.between(1, 6); times > 0; --times) mutate(text, seeds, random);
    run(text);
  }
  std::printf("%zu seeds, %ld mutations\n", seeds.size(), mutations);
  return 0;
}
