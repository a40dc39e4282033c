#include "core/curate/evaluation_index.h"

#include <algorithm>
#include <bit>
#include <set>
#include <tuple>

#include "core/base/hash.h"
#include "core/base/json.h"
#include "core/base/text.h"

namespace retort {
namespace {

constexpr std::size_t kMatchedBytesMax = 200;

struct Sequence {
  std::uint64_t hash = 0;
  std::uint32_t item = 0, word = 0;
};

// One width's sequences are nothing to another's.
std::uint64_t hash_of_width(std::uint64_t hash, std::size_t width) { return mixed_bits(hash + width); }

}  // namespace

EvaluationIndex::EvaluationIndex(const std::vector<EvaluationItem>& items, DecontaminationSettings settings)
    : settings_(settings) {
  std::string content = canonical_json({{"kind", "decontamination"},
                                        {"version", 1},
                                        {"words_version", kWordsVersion},
                                        {"words", settings.words},
                                        {"words_short", settings.words_short},
                                        {"boilerplate_items", settings.boilerplate_items},
                                        {"share_min", settings.share_min}});
  std::vector<Sequence> sequences;
  std::vector<std::uint64_t> hashes;
  std::set<std::size_t> widths;
  items_.reserve(items.size());
  for (const EvaluationItem& source : items) {
    content += sha256_hex(
        Json::array({source.set, source.id, source.text}).dump(-1, ' ', false, Json::error_handler_t::replace));
    const auto number = static_cast<std::uint32_t>(items_.size());
    Item& item = items_.emplace_back(Item{source.set, source.id, {}, 0, 0});
    read_words(source.text, item.words);
    if (item.words.size() >= static_cast<std::size_t>(settings.words_short) && item.words.size() > 0) {
      item.width = std::min(item.words.size(), static_cast<std::size_t>(settings.words));
      widths.insert(item.width);
      shingle_hashes(item.words, static_cast<int>(item.width), hashes);
      for (std::uint32_t word = 0; word < hashes.size(); ++word) {
        sequences.push_back({hash_of_width(hashes[word], item.width), number, word});
      }
    }
    item.words.hashes = {};
    item.words.text.shrink_to_fit();
    item.words.ends.shrink_to_fit();
  }
  digest_ = sha256_hex(content);
  widths_.assign(widths.begin(), widths.end());

  std::sort(sequences.begin(), sequences.end(), [](const Sequence& a, const Sequence& b) {
    return std::tie(a.hash, a.item, a.word) < std::tie(b.hash, b.item, b.word);
  });
  slots_.resize(std::bit_ceil(std::max<std::size_t>(16, sequences.size() + sequences.size() / 2)));
  seen_.resize(std::bit_ceil(std::max<std::size_t>(16, sequences.size() / 4)));
  for (std::size_t begin = 0, end = 0; begin < sequences.size(); begin = end) {
    int in_items = 0;
    for (end = begin; end < sequences.size() && sequences[end].hash == sequences[begin].hash; ++end) {
      in_items += end == begin || sequences[end].item != sequences[end - 1].item;
    }
    if (in_items > settings.boilerplate_items) continue;
    for (std::size_t i = begin; i < end; ++i) insert(sequences[i].hash, sequences[i].item, sequences[i].word);
  }
  for (const Item& item : items_) not_indexed_ += item.sequences == 0;
}

void EvaluationIndex::insert(std::uint64_t hash, std::uint32_t item, std::uint32_t word) {
  std::size_t at = hash & (slots_.size() - 1);
  while (slots_[at].item != 0) at = (at + 1) & (slots_.size() - 1);
  slots_[at] = {static_cast<std::uint32_t>(hash >> 32), item + 1, word};
  const std::size_t bit = (hash >> 20) & (64 * seen_.size() - 1);
  seen_[bit / 64] |= std::uint64_t{1} << bit % 64;
  ++items_[item].sequences;
  ++sequences_;
}

void EvaluationIndex::collect(const Words& text, std::size_t width, std::vector<Hit>& hits) const {
  thread_local std::vector<std::uint64_t> hashes;
  if (text.size() < width) return;
  shingle_hashes(text, static_cast<int>(width), hashes);
  for (std::uint32_t at = 0; at < hashes.size(); ++at) {
    const std::uint64_t hash = hash_of_width(hashes[at], width);
    const std::size_t bit = (hash >> 20) & (64 * seen_.size() - 1);
    if ((seen_[bit / 64] >> bit % 64 & 1) == 0) continue;
    for (std::size_t i = hash & (slots_.size() - 1); slots_[i].item != 0; i = (i + 1) & (slots_.size() - 1)) {
      const Slot& slot = slots_[i];
      if (slot.check != static_cast<std::uint32_t>(hash >> 32)) continue;
      const Item& item = items_[slot.item - 1];
      if (item.width != width || item.words.span(slot.word, width) != text.span(at, width)) continue;
      hits.push_back({slot.item - 1, slot.word, at});
    }
  }
}

std::optional<Contamination> EvaluationIndex::judged(std::vector<Hit>& hits) const {
  // Along one diagonal a run of hits is one longer sequence.
  std::sort(hits.begin(), hits.end(), [](const Hit& a, const Hit& b) {
    return std::tuple(a.item, std::int64_t{a.at} - a.word, a.word) <
           std::tuple(b.item, std::int64_t{b.at} - b.word, b.word);
  });
  std::optional<Contamination> best;
  for (std::size_t begin = 0, end = 0; begin < hits.size(); begin = end) {
    const Item& item = items_[hits[begin].item];
    std::size_t run = 0, longest = 0, longest_end = begin;
    std::vector<std::uint32_t> words;
    for (end = begin; end < hits.size() && hits[end].item == hits[begin].item; ++end) {
      const bool goes_on =
          end > begin && hits[end].word == hits[end - 1].word + 1 && hits[end].at == hits[end - 1].at + 1;
      run = goes_on ? run + 1 : 1;
      if (run > longest) {
        longest = run;
        longest_end = end;
      }
      words.push_back(hits[end].word);
    }
    std::sort(words.begin(), words.end());
    const auto found = static_cast<double>(std::unique(words.begin(), words.end()) - words.begin());
    const double share = found / static_cast<double>(item.sequences);
    const std::size_t length = item.width + longest - 1;
    if (share < settings_.share_min) continue;
    if (best && std::pair(share, length) <= std::pair(best->share, best->words)) continue;
    const std::size_t first = hits[longest_end].word + 1 - longest;
    best =
        Contamination{hits[begin].item, item.set, item.id, shortened(item.words.span(first, length), kMatchedBytesMax),
                      length,           share};
  }
  return best;
}

std::optional<Contamination> EvaluationIndex::find(std::string_view text) const {
  thread_local Words words;
  thread_local std::vector<Hit> hits;
  read_words(text, words);
  hits.clear();
  for (const std::size_t width : widths_) collect(words, width, hits);
  if (hits.empty()) return {};
  return judged(hits);
}

}  // namespace retort
