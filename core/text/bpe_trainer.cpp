#include "core/text/bpe_trainer.h"

#include <algorithm>
#include <map>
#include <set>

#include "core/base/text.h"

namespace retort {
namespace {

using PairOfIds = std::pair<TokenId, TokenId>;

struct Word {
  std::vector<TokenId> ids;
  std::int64_t count = 0;
};

// Words as ids, and for each adjacent pair how often it stands where. Merging touches only the words concerned.
class PairCounts {
 public:
  explicit PairCounts(std::vector<Word> words) : words_(std::move(words)) {
    for (std::size_t w = 0; w < words_.size(); ++w) count(w, +1);
  }

  // The most frequent pair, of equals the smallest; count 0 if there is none.
  std::pair<PairOfIds, std::int64_t> best() const {
    if (by_count_.empty()) return {{0, 0}, 0};
    return {by_count_.begin()->second, -by_count_.begin()->first};
  }

  void merge(PairOfIds pair, TokenId made) {
    const std::set<std::size_t> places = where_[pair];
    for (const std::size_t w : places) {
      count(w, -1);
      std::vector<TokenId>& ids = words_[w].ids;
      std::size_t kept = 0;
      for (std::size_t i = 0; i < ids.size(); ++i) {
        const bool here = i + 1 < ids.size() && ids[i] == pair.first && ids[i + 1] == pair.second;
        ids[kept++] = here ? made : ids[i];
        i += here ? 1 : 0;
      }
      ids.resize(kept);
      count(w, +1);
    }
  }

 private:
  void count(std::size_t w, int sign) {
    const Word& word = words_[w];
    for (std::size_t i = 0; i + 1 < word.ids.size(); ++i) {
      const PairOfIds pair{word.ids[i], word.ids[i + 1]};
      std::int64_t& total = counts_[pair];
      by_count_.erase({-total, pair});
      total += sign * word.count;
      if (total > 0) by_count_.insert({-total, pair});
      if (sign > 0) {
        where_[pair].insert(w);
      } else {
        where_[pair].erase(w);
      }
    }
  }

  std::vector<Word> words_;
  std::map<PairOfIds, std::int64_t> counts_;
  std::map<PairOfIds, std::set<std::size_t>> where_;
  std::set<std::pair<std::int64_t, PairOfIds>> by_count_;
};

PreTokenizer digits_alone() {
  auto words = PreTokenizer::compile({std::string(kDigitsAlonePattern)});
  RETORT_ASSERT(words.has_value());
  return std::move(*words);
}

}  // namespace

BpeTrainer::BpeTrainer() : words_(digits_alone()) {}

void BpeTrainer::add(std::string_view text) {
  std::string repaired;
  if (!is_valid_utf8(text)) text = repaired = to_valid_utf8(text);
  words_.split(text, [&](std::string_view word) { ++counts_[std::string(word)]; });
}

Result<BpeTokenizer> BpeTrainer::train(const BpeTrainerSettings& settings) const {
  const int merges_max = settings.vocabulary_size - 256 - static_cast<int>(settings.added.size());
  if (merges_max < 0) {
    return fail(Errc::usage, "a vocabulary of " + std::to_string(settings.vocabulary_size) +
                                 " has no room for 256 bytes and " + std::to_string(settings.added.size()) +
                                 " special tokens");
  }
  std::vector<Word> words;
  for (const auto& [text, count] : counts_) {
    Word word{{}, count};
    for (const char c : text) word.ids.push_back(static_cast<std::uint8_t>(c));
    words.push_back(std::move(word));
  }
  std::sort(words.begin(), words.end(), [](const Word& a, const Word& b) { return a.ids < b.ids; });

  BpeModel model;
  for (int byte = 0; byte < 256; ++byte) model.tokens.emplace_back(1, static_cast<char>(byte));
  std::set<std::string> known(model.tokens.begin(), model.tokens.end());
  PairCounts pairs(std::move(words));
  for (int made = 0; made < merges_max;) {
    const auto [pair, count] = pairs.best();
    if (count < settings.pair_count_min) break;
    const std::string bytes =
        model.tokens[static_cast<std::size_t>(pair.first)] + model.tokens[static_cast<std::size_t>(pair.second)];
    auto id = static_cast<TokenId>(model.tokens.size());
    if (known.insert(bytes).second) {
      model.tokens.push_back(bytes);
      ++made;
    } else {  // the same bytes by another way: one token, two merges
      id = static_cast<TokenId>(std::find(model.tokens.begin(), model.tokens.end(), bytes) - model.tokens.begin());
    }
    model.merges.push_back(pair);
    pairs.merge(pair, id);
  }
  for (AddedToken token : settings.added) {
    token.id = static_cast<TokenId>(model.tokens.size());
    model.tokens.emplace_back();
    model.added.push_back(std::move(token));
  }
  return BpeTokenizer::create(std::move(model));
}

}  // namespace retort
