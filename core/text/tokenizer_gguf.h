// The tokenizer as GGUF files carry it (`tokenizer.ggml.*`), as plain values: reading and writing the file itself is
// somebody else's business.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/base/result.h"
#include "core/text/bpe_tokenizer.h"

namespace retort {

/// Each member is the key tokenizer.ggml.NAME, but for the last.
struct GgufTokenizer {
  std::string model = "gpt2";            ///< only byte-level BPE is read
  std::string pre;                       ///< names the pre-tokenizer: llama-bpe, qwen2, gpt-2, smollm …
  std::vector<std::string> tokens;       ///< spelled in the byte alphabet; added ones as they are
  std::vector<std::int32_t> token_type;  ///< 1 normal, 3 control, 4 user-defined, 5 unused; may be empty: all normal
  std::vector<std::string> merges;       ///< "a b"
  std::optional<TokenId> bos_token_id, eos_token_id, eot_token_id, padding_token_id;
  std::optional<bool> add_bos_token;
  std::string chat_template;  ///< tokenizer.chat_template; may be empty
};

/// Errc::usage names the model, the pre-tokenizer or the kind of token that is not understood.
Result<BpeTokenizer> tokenizer_from_gguf(const GgufTokenizer& values);

/// model, pre, tokens, token_type and merges; the caller adds ids and template. `size` is the model's vocabulary, which
/// may be larger than the tokenizer's: unused tokens fill it. Errc::usage if GGUF has no name for the pre-tokenizer.
Result<GgufTokenizer> tokenizer_to_gguf(const BpeTokenizer& tokenizer, std::size_t size);

}  // namespace retort
