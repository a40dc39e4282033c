// Byte-level BPE, as GPT-2, Llama 3, Qwen and SmolLM use it, in the format of Hugging Face's tokenizer.json.
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
#include "core/text/added_tokens.h"
#include "core/text/bpe_merger.h"
#include "core/text/pre_tokenizer.h"

namespace retort {

struct ByteSpan {
  std::size_t begin = 0, end = 0;  ///< of a text, end excluded
};

/// What defines a tokenizer: bytes of each token by id (empty where an id belongs to a special token), merges in the
/// order in which they were learned, added tokens.
struct BpeModel {
  std::vector<std::string> tokens;
  std::vector<std::pair<TokenId, TokenId>> merges;
  std::vector<AddedToken> added;
  /// Each cuts what the one before it has left.
  std::vector<std::string> patterns{std::string(kDigitsAlonePattern)};
  bool nfc = false;            ///< text is brought into NFC first (Qwen)
  bool ignore_merges = false;  ///< a word that is a token as a whole is taken as such (Llama 3)
  /// Tokens that are spelled in other characters than the byte alphabet's: no text ever gives them.
  std::vector<TokenId> verbatim;
  /// The rest of tokenizer.json (normalizer, pre_tokenizer, post_processor, decoder, fields of model) as it was read,
  /// to be written again; empty: written from the fields above.
  std::string frame_json;
};

/// Values only, copyable. A cache inside makes every copy one for one thread at a time.
class BpeTokenizer {
 public:
  /// Errc::usage if a merge makes no token, or ids collide.
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
  /// Trusted text: added tokens are recognised. Nothing is put before or after it: what post_processor says of BOS is
  /// the business of templates.
  std::vector<TokenId> encode(std::string_view text) const;
  /// Rendered text in which some stretches, in order and apart, come from outside: an added token is recognised only
  /// where none of its bytes does. Elsewhere words are cut as in one text. Appends.
  void encode(std::string_view text, std::span<const ByteSpan> outside, std::vector<TokenId>& ids) const;
  /// Bytes of the tokens in turn; not necessarily UTF-8 if the sequence was cut. Ids out of range are left out.
  std::string decode(std::span<const TokenId> ids, bool with_special = false) const;

  /// The id of an added token.
  std::optional<TokenId> added_id(std::string_view content) const;
  /// The added token of an id, or nullptr.
  const AddedToken* added(TokenId id) const;

 private:
  struct TextHash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
  };
  BpeTokenizer() = default;
  Result<void> add_added();
  void encode_words(std::string_view text, std::vector<TokenId>& ids) const;
  void encode_piece(std::string_view text, std::span<const ByteSpan> outside, std::vector<TokenId>& ids) const;
  template <class Plain>
  void cut(const AddedTokenFinder& finder, std::string_view text, std::span<const ByteSpan> outside,
           std::vector<TokenId>& ids, const Plain& plain) const;

  BpeModel model_;
  std::optional<PreTokenizer> words_;
  mutable BpeMerger merger_;
  std::unordered_map<std::string, TokenId, TextHash, std::equal_to<>> whole_words_;  // filled only for ignore_merges
  AddedTokenFinder raw_, normalized_;
  std::vector<std::int32_t> added_of_;  // by id: index into model_.added, or -1
  mutable std::string normal_;          // room for the text at hand
};

}  // namespace retort
