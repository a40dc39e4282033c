// Byte-level BPE, as GPT-2, Llama 3 and Qwen use it, in the format of Hugging Face's tokenizer.json.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "core/base/result.h"
#include "core/text/pre_tokenizer.h"

namespace retort {

using TokenId = std::int32_t;

/// A token that is found as it stands, before words are cut. `special` ones are left out when text is decoded.
struct AddedToken {
  TokenId id = 0;
  std::string content;
  bool special = true;
};

/// What defines a tokenizer: bytes of each token by id (empty where an id belongs to an added token), merges in the
/// order in which they were learned, added tokens.
struct BpeModel {
  std::vector<std::string> tokens;
  std::vector<std::pair<TokenId, TokenId>> merges;
  std::vector<AddedToken> added;
  std::string pattern{kDigitsAlonePattern};
  bool ignore_merges = false;  ///< a word that is a token as a whole is taken as such (Llama 3)
};

/// Values only, copyable. Not for several threads at once.
class BpeTokenizer {
 public:
  /// Errc::usage if a byte has no token, a merge makes no token, or ids collide.
  static Result<BpeTokenizer> create(BpeModel model);
  /// Reads tokenizer.json. What it does not understand it refuses by name: a token wrongly cut is worse than none.
  static Result<BpeTokenizer> from_json(std::string_view text);
  /// The same tokenizer as tokenizer.json, which Python's `tokenizers` reads.
  std::string to_json() const;

  /// Every id is below this.
  std::size_t vocabulary_size() const { return model_.tokens.size(); }
  const BpeModel& model() const { return model_; }

  /// Text from outside: no added token is recognised in it, so that it cannot pretend to be a turn's end. Appends.
  /// Bytes that are not UTF-8 become U+FFFD first.
  void encode_ordinary(std::string_view text, std::vector<TokenId>& ids) const;
  /// Text of a template: added tokens are recognised, the longest first.
  std::vector<TokenId> encode(std::string_view text) const;
  /// Bytes of the tokens in turn; not necessarily UTF-8 if the sequence was cut. Ids out of range are left out.
  std::string decode(std::span<const TokenId> ids, bool with_special = false) const;

  /// The id of an added token.
  std::optional<TokenId> added_id(std::string_view content) const;

 private:
  struct Merge {
    std::size_t rank = 0;
    TokenId made = 0;
  };
  BpeTokenizer() = default;
  void encode_word(std::string_view word, std::vector<TokenId>& ids) const;

  BpeModel model_;
  std::optional<PreTokenizer> words_;
  std::vector<TokenId> byte_ids_;
  std::unordered_map<std::string, TokenId> whole_words_;  // filled only for ignore_merges
  std::unordered_map<std::uint64_t, Merge> merges_;
  std::vector<std::size_t> added_by_length_;  // indices into model_.added, the longest content first
  std::vector<signed char> added_kind_;       // by id: 0 none, 1 added, 2 special
};

}  // namespace retort
