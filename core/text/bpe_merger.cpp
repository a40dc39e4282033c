#include "core/text/bpe_merger.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>

namespace retort {
namespace {

constexpr std::uint32_t kNone = std::numeric_limits<std::uint32_t>::max();
constexpr std::size_t kKnownBits = 16, kKnownBytesMax = 16;
// From here on the heap is faster than looking through all pairs after each merge.
constexpr std::size_t kShortMax = 96;
constexpr std::uint64_t kGolden = 0x9e3779b97f4a7c15ULL;

std::uint64_t key_of(TokenId left, TokenId right) {
  return (static_cast<std::uint64_t>(static_cast<std::uint32_t>(left)) << 32) | static_cast<std::uint32_t>(right);
}

template <class Word>
std::uint64_t load(const char* bytes) {
  Word word;
  std::memcpy(&word, bytes, sizeof word);
  return word;
}

}  // namespace

BpeMerger::BpeMerger(std::vector<TokenId> byte_ids, std::size_t merges)
    : byte_ids_(std::move(byte_ids)),
      slots_(std::bit_ceil(2 * merges + 2)),
      shift_(64U - static_cast<unsigned>(std::bit_width(slots_.size() - 1))),
      known_(std::size_t{1} << kKnownBits) {}

void BpeMerger::add(TokenId left, TokenId right, TokenId made) {
  const std::uint64_t pair = key_of(left, right);
  std::size_t at = (pair * kGolden) >> shift_;
  while (slots_[at].pair != pair && slots_[at].pair != ~std::uint64_t{0}) at = (at + 1) & (slots_.size() - 1);
  slots_[at] = {pair, merges_++, made};
}

const BpeMerger::Slot* BpeMerger::find(TokenId left, TokenId right) const {
  const std::uint64_t pair = key_of(left, right);
  for (std::size_t at = (pair * kGolden) >> shift_;; at = (at + 1) & (slots_.size() - 1)) {
    if (slots_[at].pair == pair) return &slots_[at];
    if (slots_[at].pair == ~std::uint64_t{0}) return nullptr;
  }
}

// The bytes of a short word as two numbers that, with its length, are the word.
BpeMerger::Known* BpeMerger::place_of(std::string_view word, std::uint64_t& head, std::uint64_t& tail) {
  const std::size_t n = word.size();
  if (n >= 8) {
    head = load<std::uint64_t>(word.data());
    tail = load<std::uint64_t>(word.data() + n - 8);
  } else if (n >= 4) {
    head = load<std::uint32_t>(word.data());
    tail = load<std::uint32_t>(word.data() + n - 4);
  } else {
    const auto byte = [&](std::size_t i) { return static_cast<std::uint64_t>(static_cast<std::uint8_t>(word[i])); };
    head = byte(0) | (byte(n / 2) << 8) | (byte(n - 1) << 16);
    tail = 0;
  }
  std::uint64_t hash = (head ^ std::rotl(tail * kGolden, 32)) * kGolden + n * 0xd1342543de82ef95ULL;
  hash = (hash ^ (hash >> 29)) * kGolden;
  return &known_[hash >> (64 - kKnownBits)];
}

bool BpeMerger::recall(std::string_view word, std::vector<TokenId>& ids) {
  if (word.size() > kKnownBytesMax) return false;
  std::uint64_t head = 0, tail = 0;
  const Known& known = *place_of(word, head, tail);
  if (known.bytes != word.size() || known.head != head || known.tail != tail) return false;
  ids.insert(ids.end(), known.ids, known.ids + known.count);
  return true;
}

void BpeMerger::remember(std::string_view word, TokenId id) {
  if (word.size() > kKnownBytesMax) return;
  std::uint64_t head = 0, tail = 0;
  Known& known = *place_of(word, head, tail);
  known = {head, tail, static_cast<std::uint8_t>(word.size()), 1, {id}};
}

void BpeMerger::encode(std::string_view word, std::vector<TokenId>& ids) {
  Known* known = nullptr;
  std::uint64_t head = 0, tail = 0;
  if (word.size() <= kKnownBytesMax) {
    known = place_of(word, head, tail);
    if (known->bytes == word.size() && known->head == head && known->tail == tail) {
      for (std::size_t i = 0; i < known->count; ++i) ids.push_back(known->ids[i]);
      return;
    }
  }
  symbols_.clear();
  for (const char c : word) {
    const TokenId id = byte_ids_[static_cast<std::uint8_t>(c)];
    if (id >= 0) symbols_.push_back(id);
  }
  const std::size_t before = ids.size();
  if (symbols_.size() <= kShortMax) {
    merge_short(ids);
  } else {
    merge_long(ids);
  }
  const std::size_t count = ids.size() - before;
  if (known != nullptr && count <= std::size(known->ids)) {
    *known = {head, tail, static_cast<std::uint8_t>(word.size()), static_cast<std::uint8_t>(count), {}};
    std::copy(ids.begin() + static_cast<std::ptrdiff_t>(before), ids.end(), known->ids);
  }
}

void BpeMerger::merge_short(std::vector<TokenId>& ids) {
  std::size_t n = symbols_.size();
  ranks_.resize(n + 1);
  const auto rank_at = [&](std::size_t i) {
    if (i + 1 >= n) return kNone;
    const Slot* slot = find(symbols_[i], symbols_[i + 1]);
    return slot == nullptr ? kNone : slot->rank;
  };
  for (std::size_t i = 0; i < n; ++i) ranks_[i] = rank_at(i);
  while (n > 1) {
    std::size_t best = 0;
    for (std::size_t i = 1; i + 1 < n; ++i) best = ranks_[i] < ranks_[best] ? i : best;
    if (ranks_[best] == kNone) break;
    symbols_[best] = find(symbols_[best], symbols_[best + 1])->made;
    --n;
    std::memmove(&symbols_[best + 1], &symbols_[best + 1] + 1, (n - best - 1) * sizeof(TokenId));
    std::memmove(&ranks_[best + 1], &ranks_[best + 1] + 1, (n - best - 1) * sizeof(std::uint32_t));
    ranks_[best] = rank_at(best);
    if (best > 0) ranks_[best - 1] = rank_at(best - 1);
  }
  ids.insert(ids.end(), symbols_.begin(), symbols_.begin() + static_cast<std::ptrdiff_t>(n));
}

void BpeMerger::merge_long(std::vector<TokenId>& ids) {
  const auto n = static_cast<std::int32_t>(symbols_.size());
  const auto later = [](const Candidate& a, const Candidate& b) {
    return a.rank != b.rank ? a.rank > b.rank : a.left > b.left;
  };
  chain_.clear();
  candidates_.clear();
  for (std::int32_t i = 0; i < n; ++i)
    chain_.push_back({symbols_[static_cast<std::size_t>(i)], i - 1, i + 1 < n ? i + 1 : -1});
  const auto symbol = [&](std::int32_t at) -> Symbol& { return chain_[static_cast<std::size_t>(at)]; };
  const auto consider = [&](std::int32_t left) {
    if (left < 0 || symbol(left).next < 0) return false;
    const TokenId a = symbol(left).id, b = symbol(symbol(left).next).id;
    const Slot* slot = find(a, b);
    if (slot != nullptr) candidates_.push_back({slot->rank, left, a, b, slot->made});
    return slot != nullptr;
  };
  for (std::int32_t i = 0; i < n; ++i) consider(i);
  std::make_heap(candidates_.begin(), candidates_.end(), later);
  while (!candidates_.empty()) {
    std::pop_heap(candidates_.begin(), candidates_.end(), later);
    const Candidate best = candidates_.back();
    candidates_.pop_back();
    Symbol& left = symbol(best.left);
    if (left.id != best.left_id || left.next < 0 || symbol(left.next).id != best.right_id) continue;
    Symbol& right = symbol(left.next);
    right.id = -1;  // gone
    left.id = best.made;
    left.next = right.next;
    if (left.next >= 0) symbol(left.next).previous = best.left;
    if (consider(left.previous)) std::push_heap(candidates_.begin(), candidates_.end(), later);
    if (consider(best.left)) std::push_heap(candidates_.begin(), candidates_.end(), later);
  }
  for (const Symbol& s : chain_) {
    if (s.id >= 0) ids.push_back(s.id);
  }
}

}  // namespace retort
