// How fast text becomes tokens, on one thread: the stored tokenizer and a made-up text, or what is given:
//   bench_tokenizer [TOKENIZER.json TEXT [IDS]]   documents of TEXT separated by NUL; IDS gets int32 ids, -1 after each
// tests/bench/peers/tokenizers_compare.py runs it beside Python's `tokenizers` and compares the ids.
#include <chrono>
#include <cstdio>
#include <fstream>
#include <string>

#include "core/text/bpe_tokenizer.h"

using namespace retort;

namespace {

std::string read(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

std::string made_up() {
  std::string text;
  for (int i = 0; text.size() < 20'000'000; ++i)
    text += "It's the " + std::to_string(i * 7919LL % 100'003) + "th line, isn't it? Größe, 東京, привет: x = y[i];\n";
  return text;
}

}  // namespace

int main(int count, char** words) {
  const bool given = count >= 3;
  const auto tokenizer =
      BpeTokenizer::from_json(read(given ? words[1] : RETORT_SOURCE_DIR "/tests/unit/tokenizer/tokenizer.json"));
  if (!tokenizer) {
    std::fprintf(stderr, "%s\n", tokenizer.error().message.c_str());
    return 2;
  }
  const std::string text = given ? read(words[2]) : made_up();
  std::vector<TokenId> ids;
  ids.reserve(text.size() / 2);
  std::size_t tokens = 0;
  const auto begun = std::chrono::steady_clock::now();
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\0', at), text.size());
    const std::size_t before = ids.size();
    tokenizer->encode(std::string_view(text).substr(at, end - at), {}, ids);
    tokens += ids.size() - before;
    ids.push_back(-1);
    at = end + 1;
  }
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
  std::printf("%.1f MB, %zu tokens, %.2f s, %.1f MB/s\n", static_cast<double>(text.size()) / 1e6, tokens, seconds,
              static_cast<double>(text.size()) / 1e6 / seconds);
  if (count >= 4) {
    std::ofstream out(words[3], std::ios::binary);
    out.write(reinterpret_cast<const char*>(ids.data()), static_cast<std::streamsize>(ids.size() * sizeof(TokenId)));
  }
  return 0;
}
