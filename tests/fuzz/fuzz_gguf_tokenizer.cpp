// Any values under tokenizer.ggml.* make a tokenizer or are refused; what is made can be written and read again.
#include <cstdint>
#include <string_view>

#include "core/base/json.h"
#include "core/text/tokenizer_gguf.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace retort;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  GgufTokenizer values;
  // The printable bytes always; then line by line: a merge if it has a space, a token with its type's digit if not.
  for (char c = 0x21; c < 0x7F; ++c) values.tokens.emplace_back(1, c);
  values.tokens.emplace_back("Ġ");
  values.token_type.assign(values.tokens.size(), 1);
  std::size_t at = std::min(bytes.find('\n'), size);
  values.pre = bytes.substr(0, at);
  while (at < size) {
    const std::size_t end = std::min(bytes.find('\n', at + 1), size);
    const std::string line(bytes.substr(at + 1, end - at - 1));
    if (line.find(' ') != std::string::npos) {
      values.merges.push_back(line);
    } else if (!line.empty()) {
      values.token_type.push_back(line[0] - '0');
      values.tokens.push_back(line.substr(1));
    }
    at = end;
  }
  const auto tokenizer = tokenizer_from_gguf(values);
  if (!tokenizer) return 0;
  const std::string text = "a b" + std::string(bytes.substr(0, 100));
  const std::vector<TokenId> ids = tokenizer->encode(text);
  for (const TokenId id : ids) RETORT_ASSERT(id >= 0 && static_cast<std::size_t>(id) < tokenizer->vocabulary_size());
  const auto written = tokenizer_to_gguf(*tokenizer, tokenizer->vocabulary_size() + 3);
  RETORT_ASSERT(written.has_value());
  const auto again = tokenizer_from_gguf(*written);
  RETORT_ASSERT(again.has_value() && again->encode(text) == ids);
  return 0;
}
