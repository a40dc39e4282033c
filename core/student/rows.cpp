#include "core/student/rows.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <numeric>

#include "core/base/hash.h"
#include "core/base/random.h"

namespace retort {
namespace {

// Batches are cut from windows of so many batches' rows, sorted by length: enough for little padding, few enough that
// batches stay mixed and differ between epochs.
constexpr std::size_t kWindowBatches = 12;

template <class T>
void shuffle(std::vector<T>& values, Random& random) {
  for (std::size_t i = values.size(); i > 1; --i) {
    std::swap(values[i - 1], values[static_cast<std::size_t>(random.between(0, static_cast<std::int64_t>(i) - 1))]);
  }
}

}  // namespace

void Rows::add(std::int64_t id, const ChatTokens& row) {
  entries_.push_back({id, tokens_.size(), tokens_.size() + row.ids.size(), row.learned_from});
  tokens_.insert(tokens_.end(), row.ids.begin(), row.ids.end());
  targets_ += row.ids.size() - row.learned_from;
}

Rows::Row Rows::operator[](std::size_t index) const {
  const Entry& entry = entries_[index];
  return {entry.id, std::span(tokens_).subspan(entry.begin, entry.end - entry.begin), entry.learned_from};
}

std::string Rows::digest() const {
  std::string bytes(reinterpret_cast<const char*>(tokens_.data()), tokens_.size() * sizeof(TokenId));
  for (const Entry& entry : entries_) {
    bytes +=
        std::to_string(entry.id) + ' ' + std::to_string(entry.end) + ' ' + std::to_string(entry.learned_from) + '\n';
  }
  return sha256_hex(bytes);
}

std::vector<std::vector<std::size_t>> epoch_batches(const Rows& rows, std::size_t batch_rows, std::uint64_t seed,
                                                    std::int64_t epoch) {
  Random random(seed * 0x9e3779b97f4a7c15ULL + static_cast<std::uint64_t>(epoch));
  std::vector<std::size_t> order(rows.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  shuffle(order, random);
  std::vector<std::vector<std::size_t>> batches;
  const std::size_t window = batch_rows * kWindowBatches;
  for (std::size_t begin = 0; begin < order.size(); begin += window) {
    const std::size_t end = std::min(order.size(), begin + window);
    const auto at = [&](std::size_t i) { return order.begin() + static_cast<std::ptrdiff_t>(i); };
    std::stable_sort(at(begin), at(end),
                     [&](std::size_t a, std::size_t b) { return rows[a].tokens.size() < rows[b].tokens.size(); });
    for (std::size_t i = begin; i < end; i += batch_rows)
      batches.emplace_back(at(i), at(std::min(end, i + batch_rows)));
  }
  shuffle(batches, random);
  return batches;
}

std::vector<std::vector<std::size_t>> pack_lines(const Rows& rows, std::span<const std::size_t> chosen,
                                                 std::size_t room) {
  std::vector<std::size_t> order(chosen.begin(), chosen.end());
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return rows[a].tokens.size() > rows[b].tokens.size(); });
  std::vector<std::vector<std::size_t>> lines;
  std::multimap<std::size_t, std::size_t> lines_by_room;  // what is left → line
  for (const std::size_t r : order) {
    const std::size_t size = rows[r].tokens.size();
    auto best = lines_by_room.lower_bound(size);
    std::size_t left = room > size ? room - size : 0, line = lines.size();
    if (best == lines_by_room.end()) {
      lines.emplace_back();
    } else {
      left = best->first - size;
      line = best->second;
      lines_by_room.erase(best);
    }
    lines[line].push_back(r);
    lines_by_room.emplace(left, line);
  }
  return lines;
}

bool is_held_back(std::string_view messages_digest, double fraction) {
  std::uint32_t head = 0;
  const std::string_view digits = messages_digest.substr(0, 8);
  std::from_chars(digits.data(), digits.data() + digits.size(), head, 16);
  return static_cast<double>(head) < fraction * 4294967296.0;
}

}  // namespace retort
