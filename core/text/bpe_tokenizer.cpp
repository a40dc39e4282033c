#include "core/text/bpe_tokenizer.h"

#include <algorithm>
#include <queue>

#include "core/base/text.h"

namespace retort {
namespace {

std::uint64_t key_of(TokenId left, TokenId right) {
  return (static_cast<std::uint64_t>(static_cast<std::uint32_t>(left)) << 32) | static_cast<std::uint32_t>(right);
}

// A symbol of a word while merging; dead ones have length 0.
struct Symbol {
  TokenId id;
  int previous, next;
  bool alive;
};

struct Candidate {
  std::size_t rank;
  int left;
  TokenId left_id, right_id, made;
  // The lowest rank first, and of equals the leftmost.
  bool operator<(const Candidate& other) const { return rank != other.rank ? rank > other.rank : left > other.left; }
};

}  // namespace

Result<BpeTokenizer> BpeTokenizer::create(BpeModel model) {
  BpeTokenizer made;
  made.byte_ids_.assign(256, -1);
  std::unordered_map<std::string_view, TokenId> ids;
  for (std::size_t id = 0; id < model.tokens.size(); ++id) {
    const std::string& bytes = model.tokens[id];
    if (bytes.empty()) continue;
    if (!ids.emplace(bytes, static_cast<TokenId>(id)).second)
      return fail(Errc::usage, "tokenizer: two ids for one token");
    if (bytes.size() == 1) made.byte_ids_[static_cast<std::uint8_t>(bytes[0])] = static_cast<TokenId>(id);
  }
  if (std::find(made.byte_ids_.begin(), made.byte_ids_.end(), -1) != made.byte_ids_.end()) {
    return fail(Errc::usage, "tokenizer: not every byte has a token, so this is no byte-level BPE");
  }
  const auto known = [&](TokenId id) {
    return id >= 0 && static_cast<std::size_t>(id) < model.tokens.size() &&
           !model.tokens[static_cast<std::size_t>(id)].empty();
  };
  for (std::size_t rank = 0; rank < model.merges.size(); ++rank) {
    const auto [left, right] = model.merges[rank];
    if (!known(left) || !known(right)) return fail(Errc::usage, "tokenizer: a merge of tokens that do not exist");
    const auto whole =
        ids.find(model.tokens[static_cast<std::size_t>(left)] + model.tokens[static_cast<std::size_t>(right)]);
    if (whole == ids.end()) return fail(Errc::usage, "tokenizer: merge " + std::to_string(rank) + " makes no token");
    made.merges_.emplace(key_of(left, right), Merge{rank, whole->second});
  }
  made.added_kind_.assign(model.tokens.size(), 0);
  for (const AddedToken& token : model.added) {
    const bool in_range = token.id >= 0 && static_cast<std::size_t>(token.id) < model.tokens.size();
    if (!in_range || token.content.empty())
      return fail(Errc::usage, "tokenizer: an added token without content or place");
    signed char& kind = made.added_kind_[static_cast<std::size_t>(token.id)];
    if (kind != 0) return fail(Errc::usage, "tokenizer: two added tokens with one id");
    kind = token.special ? 2 : 1;
  }
  auto words = PreTokenizer::compile(model.pattern);
  if (!words) return fail(words.error());
  made.words_ = std::move(*words);
  if (model.ignore_merges) {
    for (const auto& [bytes, id] : ids) made.whole_words_.emplace(bytes, id);
  }
  for (std::size_t i = 0; i < model.added.size(); ++i) made.added_by_length_.push_back(i);
  std::stable_sort(made.added_by_length_.begin(), made.added_by_length_.end(), [&](std::size_t a, std::size_t b) {
    return model.added[a].content.size() > model.added[b].content.size();
  });
  made.model_ = std::move(model);
  return made;
}

void BpeTokenizer::encode_word(std::string_view word, std::vector<TokenId>& ids) const {
  if (model_.ignore_merges) {
    const auto whole = whole_words_.find(std::string(word));
    if (whole != whole_words_.end()) {
      ids.push_back(whole->second);
      return;
    }
  }
  std::vector<Symbol> symbols;
  symbols.reserve(word.size());
  for (std::size_t i = 0; i < word.size(); ++i) {
    const int at = static_cast<int>(i);
    symbols.push_back({byte_ids_[static_cast<std::uint8_t>(word[i])], at - 1, i + 1 < word.size() ? at + 1 : -1, true});
  }
  std::priority_queue<Candidate> candidates;
  const auto symbol = [&](int at) -> Symbol& { return symbols[static_cast<std::size_t>(at)]; };
  const auto consider = [&](int left) {
    if (left < 0 || symbol(left).next < 0) return;
    const TokenId a = symbol(left).id, b = symbol(symbol(left).next).id;
    const auto merge = merges_.find(key_of(a, b));
    if (merge != merges_.end()) candidates.push({merge->second.rank, left, a, b, merge->second.made});
  };
  for (std::size_t i = 0; i < symbols.size(); ++i) consider(static_cast<int>(i));
  while (!candidates.empty()) {
    const Candidate best = candidates.top();
    candidates.pop();
    Symbol& left = symbol(best.left);
    if (!left.alive || left.id != best.left_id || left.next < 0 || symbol(left.next).id != best.right_id) continue;
    Symbol& right = symbol(left.next);
    right.alive = false;
    left.id = best.made;
    left.next = right.next;
    if (left.next >= 0) symbol(left.next).previous = best.left;
    consider(left.previous);
    consider(best.left);
  }
  for (const Symbol& s : symbols) {
    if (s.alive) ids.push_back(s.id);
  }
}

void BpeTokenizer::encode_ordinary(std::string_view text, std::vector<TokenId>& ids) const {
  std::string repaired;
  if (!is_valid_utf8(text)) text = repaired = to_valid_utf8(text);
  words_->split(text, [&](std::string_view word) { encode_word(word, ids); });
}

std::vector<TokenId> BpeTokenizer::encode(std::string_view text) const {
  std::vector<TokenId> ids;
  std::size_t plain_from = 0;
  for (std::size_t at = 0; at < text.size();) {
    const AddedToken* found = nullptr;
    for (const std::size_t i : added_by_length_) {
      if (text.substr(at).starts_with(model_.added[i].content)) {
        found = &model_.added[i];
        break;
      }
    }
    if (found == nullptr) {
      ++at;
      continue;
    }
    encode_ordinary(text.substr(plain_from, at - plain_from), ids);
    ids.push_back(found->id);
    plain_from = at += found->content.size();
  }
  encode_ordinary(text.substr(plain_from), ids);
  return ids;
}

std::string BpeTokenizer::decode(std::span<const TokenId> ids, bool with_special) const {
  std::string text;
  for (const TokenId id : ids) {
    if (id < 0 || static_cast<std::size_t>(id) >= model_.tokens.size()) continue;
    const signed char kind = added_kind_[static_cast<std::size_t>(id)];
    if (kind == 0) {
      text += model_.tokens[static_cast<std::size_t>(id)];
    } else if (kind == 1 || with_special) {
      for (const AddedToken& token : model_.added) {
        if (token.id == id) text += token.content;
      }
    }
  }
  return text;
}

std::optional<TokenId> BpeTokenizer::added_id(std::string_view content) const {
  for (const AddedToken& token : model_.added) {
    if (token.content == content) return token.id;
  }
  return std::nullopt;
}

}  // namespace retort
