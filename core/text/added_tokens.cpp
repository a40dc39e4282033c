#include "core/text/added_tokens.h"

namespace retort {

void AddedTokenFinder::add(std::string_view content, std::size_t index) {
  if (content.empty()) return;
  starts_[static_cast<std::uint8_t>(content.front())] = true;
  std::size_t node = 0;
  for (const char byte : content) {
    auto next = static_cast<std::size_t>(nodes_[node].child);
    while (next != 0 && nodes_[next].byte != byte) next = static_cast<std::size_t>(nodes_[next].sibling);
    if (next == 0) {
      next = nodes_.size();
      nodes_.push_back({byte, 0, nodes_[node].child, -1});
      nodes_[node].child = static_cast<std::int32_t>(next);
    }
    node = next;
  }
  if (nodes_[node].index < 0) nodes_[node].index = static_cast<std::int32_t>(index);
}

bool AddedTokenFinder::walk(std::string_view text, std::size_t at, Match& match) const {
  bool found = false;
  std::size_t node = 0;
  for (std::size_t place = at; place < text.size(); ++place) {
    auto next = static_cast<std::size_t>(nodes_[node].child);
    while (next != 0 && nodes_[next].byte != text[place]) next = static_cast<std::size_t>(nodes_[next].sibling);
    if (next == 0) break;
    node = next;
    if (nodes_[node].index >= 0) {
      match = {at, place + 1, static_cast<std::size_t>(nodes_[node].index)};
      found = true;
    }
  }
  return found;
}

}  // namespace retort
