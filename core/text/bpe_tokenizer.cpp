#include "core/text/bpe_tokenizer.h"

#include <algorithm>
#include <unordered_map>

#include "core/base/text.h"
#include "core/text/unicode.h"

namespace retort {
namespace {

bool is_word_char(char32_t c) {
  const CharClass what = UnicodeTable::get().char_class(c);
  return c == '_' || what == CharClass::letter || what == CharClass::number || what == CharClass::mark;
}

bool is_white(char32_t c) { return UnicodeTable::get().char_class(c) == CharClass::space; }

// Where a token found at a place begins and ends by its flags; false if they forbid it.
bool apply_flags(const AddedToken& token, std::string_view text, std::size_t from, AddedTokenFinder::Match& match) {
  const auto before = [&](std::size_t at) { return utf8_char(text.data(), utf8_before(text.data(), at)).point; };
  if (token.single_word) {
    if (match.begin > 0 && is_word_char(before(match.begin))) return false;
    if (match.end < text.size() && is_word_char(utf8_char(text.data(), match.end).point)) return false;
  }
  while (token.lstrip && match.begin > from && is_white(before(match.begin)))
    match.begin = utf8_before(text.data(), match.begin);
  while (token.rstrip && match.end < text.size() && is_white(utf8_char(text.data(), match.end).point))
    match.end += utf8_char(text.data(), match.end).bytes;
  return true;
}

bool overlaps(std::span<const ByteSpan> spans, std::size_t begin, std::size_t end) {
  const auto first =
      std::partition_point(spans.begin(), spans.end(), [&](const ByteSpan& span) { return span.end <= begin; });
  return first != spans.end() && first->begin < end;
}

// The parts of the spans within [begin, end), counted from `begin`.
std::vector<ByteSpan> within(std::span<const ByteSpan> spans, std::size_t begin, std::size_t end) {
  std::vector<ByteSpan> found;
  for (const ByteSpan& span : spans) {
    if (span.end > begin && span.begin < end)
      found.push_back({std::max(span.begin, begin) - begin, std::min(span.end, end) - begin});
  }
  return found;
}

}  // namespace

Result<BpeTokenizer> BpeTokenizer::create(BpeModel model) {
  BpeTokenizer made;
  std::vector<TokenId> byte_ids(256, -1);
  std::unordered_map<std::string_view, TokenId> ids;
  ids.reserve(model.tokens.size());
  std::vector<bool> hidden(model.tokens.size());
  for (const TokenId id : model.verbatim) {
    if (id >= 0 && static_cast<std::size_t>(id) < hidden.size()) hidden[static_cast<std::size_t>(id)] = true;
  }
  for (std::size_t id = 0; id < model.tokens.size(); ++id) {
    const std::string& bytes = model.tokens[id];
    if (bytes.empty() || hidden[id]) continue;
    if (!ids.emplace(bytes, static_cast<TokenId>(id)).second)
      return fail(Errc::usage, "tokenizer: two ids for one token");
    if (bytes.size() == 1) byte_ids[static_cast<std::uint8_t>(bytes[0])] = static_cast<TokenId>(id);
  }
  for (std::size_t byte = 0x20; byte < 0x7F; ++byte) {
    if (byte_ids[byte] < 0)
      return fail(Errc::usage, "tokenizer: a printable byte has no token, so this is no byte-level BPE");
  }
  const auto known = [&](TokenId id) {
    return id >= 0 && static_cast<std::size_t>(id) < model.tokens.size() &&
           !model.tokens[static_cast<std::size_t>(id)].empty() && !hidden[static_cast<std::size_t>(id)];
  };
  made.merger_ = BpeMerger(std::move(byte_ids), model.merges.size());
  std::string joined;
  for (std::size_t rank = 0; rank < model.merges.size(); ++rank) {
    const auto [left, right] = model.merges[rank];
    if (!known(left) || !known(right)) return fail(Errc::usage, "tokenizer: a merge of tokens that do not exist");
    joined = model.tokens[static_cast<std::size_t>(left)];
    joined += model.tokens[static_cast<std::size_t>(right)];
    const auto whole = ids.find(joined);
    if (whole == ids.end()) return fail(Errc::usage, "tokenizer: merge " + std::to_string(rank) + " makes no token");
    made.merger_.add(left, right, whole->second);
  }
  auto words = PreTokenizer::compile(model.patterns);
  if (!words) return fail(words.error());
  made.words_ = std::move(*words);
  if (model.ignore_merges) made.whole_words_.insert(ids.begin(), ids.end());
  made.model_ = std::move(model);
  if (auto added = made.add_added(); !added) return fail(added.error());
  return made;
}

Result<void> BpeTokenizer::add_added() {
  added_of_.assign(model_.tokens.size(), -1);
  for (std::size_t i = 0; i < model_.added.size(); ++i) {
    const AddedToken& token = model_.added[i];
    const bool in_range = token.id >= 0 && static_cast<std::size_t>(token.id) < model_.tokens.size();
    if (!in_range || token.content.empty() || !is_valid_utf8(token.content))
      return fail(Errc::usage, "tokenizer: an added token without content or place");
    std::int32_t& place = added_of_[static_cast<std::size_t>(token.id)];
    if (place >= 0) return fail(Errc::usage, "tokenizer: two added tokens with one id");
    place = static_cast<std::int32_t>(i);
    if (token.special && !model_.tokens[static_cast<std::size_t>(token.id)].empty())
      return fail(Errc::usage, "tokenizer: a special token that is an ordinary one too");
    const bool normalise = token.normalized && model_.nfc && to_nfc(token.content, normal_);
    (token.normalized ? normalized_ : raw_).add(normalise ? std::string_view(normal_) : token.content, i);
  }
  return {};
}

void BpeTokenizer::encode_words(std::string_view text, std::vector<TokenId>& ids) const {
  if (!model_.ignore_merges) {
    words_->split(text, [&](std::string_view word) { merger_.encode(word, ids); });
    return;
  }
  words_->split(text, [&](std::string_view word) {
    if (merger_.recall(word, ids)) return;
    if (const auto whole = whole_words_.find(word); whole != whole_words_.end()) {
      merger_.remember(word, whole->second);
      ids.push_back(whole->second);
    } else {
      merger_.encode(word, ids);
    }
  });
}

void BpeTokenizer::encode_ordinary(std::string_view text, std::vector<TokenId>& ids) const {
  std::string repaired;
  if (!is_valid_utf8(text)) text = repaired = to_valid_utf8(text);
  if (model_.nfc && to_nfc(text, normal_)) text = normal_;
  encode_words(text, ids);
}

// Calls `plain(begin, end)` for what lies between the added tokens, and appends those.
template <class Plain>
void BpeTokenizer::cut(const AddedTokenFinder& finder, std::string_view text, std::span<const ByteSpan> outside,
                       std::vector<TokenId>& ids, const Plain& plain) const {
  std::size_t from = 0;
  for (std::size_t at = 0; !finder.empty() && at < text.size();) {
    AddedTokenFinder::Match match;
    if (!finder.longest_at(text, at, match)) {
      ++at;
      continue;
    }
    const std::size_t found_end = match.end;
    const AddedToken& token = model_.added[match.index];
    if (overlaps(outside, match.begin, match.end)) {
      ++at;
      continue;
    }
    at = found_end;
    if (!apply_flags(token, text, from, match)) continue;
    if (match.begin > from) plain(from, match.begin);
    ids.push_back(token.id);
    from = match.end;
    at = std::max(at, from);
  }
  if (from < text.size()) plain(from, text.size());
}

// Text without tokens that are looked for before normalisation.
void BpeTokenizer::encode_piece(std::string_view text, std::span<const ByteSpan> outside,
                                std::vector<TokenId>& ids) const {
  std::string normal;
  const bool changed = model_.nfc && to_nfc(text, normal);
  if (normalized_.empty() || (changed && !outside.empty())) {
    // In the second case places in the text have moved; then no token is looked for rather than one too many.
    return encode_words(changed ? std::string_view(normal) : text, ids);
  }
  const std::string_view piece = changed ? std::string_view(normal) : text;
  cut(normalized_, piece, outside, ids,
      [&](std::size_t begin, std::size_t end) { encode_words(piece.substr(begin, end - begin), ids); });
}

void BpeTokenizer::encode(std::string_view text, std::span<const ByteSpan> outside, std::vector<TokenId>& ids) const {
  RETORT_ASSERT(outside.empty() || is_valid_utf8(text));  // else the spans would not fit what is repaired
  std::string repaired;
  if (!is_valid_utf8(text)) text = repaired = to_valid_utf8(text);
  cut(raw_, text, outside, ids, [&](std::size_t begin, std::size_t end) {
    encode_piece(text.substr(begin, end - begin), within(outside, begin, end), ids);
  });
}

std::vector<TokenId> BpeTokenizer::encode(std::string_view text) const {
  std::vector<TokenId> ids;
  encode(text, {}, ids);
  return ids;
}

std::string BpeTokenizer::decode(std::span<const TokenId> ids, bool with_special) const {
  std::string text;
  for (const TokenId id : ids) {
    if (id < 0 || static_cast<std::size_t>(id) >= model_.tokens.size()) continue;
    const AddedToken* token = added(id);
    if (token == nullptr) {
      text += model_.tokens[static_cast<std::size_t>(id)];
    } else if (!token->special || with_special) {
      text += token->content;
    }
  }
  return text;
}

const AddedToken* BpeTokenizer::added(TokenId id) const {
  if (id < 0 || static_cast<std::size_t>(id) >= added_of_.size()) return nullptr;
  const std::int32_t place = added_of_[static_cast<std::size_t>(id)];
  return place < 0 ? nullptr : &model_.added[static_cast<std::size_t>(place)];
}

std::optional<TokenId> BpeTokenizer::added_id(std::string_view content) const {
  for (const AddedToken& token : model_.added) {
    if (token.content == content) return token.id;
  }
  return std::nullopt;
}

}  // namespace retort
