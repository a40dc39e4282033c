// Any bytes as tokenizer.json are read or refused; what is read gives every text back and survives its own file.
#include <cstdint>
#include <string_view>

#include "core/base/text.h"
#include "core/text/bpe_tokenizer.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace retort;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto tokenizer = BpeTokenizer::from_json(bytes);
  if (!tokenizer) return 0;
  const std::string_view text = bytes.substr(0, 200);
  std::vector<TokenId> ids;
  tokenizer->encode_ordinary(text, ids);
  for (const TokenId id : ids) RETORT_ASSERT(id >= 0 && static_cast<std::size_t>(id) < tokenizer->vocabulary_size());
  RETORT_ASSERT(tokenizer->decode(ids, true) == to_valid_utf8(text));
  const auto again = BpeTokenizer::from_json(tokenizer->to_json());
  RETORT_ASSERT(again.has_value());
  std::vector<TokenId> ids_again;
  again->encode_ordinary(text, ids_again);
  RETORT_ASSERT(ids == ids_again);
  return 0;
}
