#include "core/curate/dedupe/exact_duplicates.h"

#include <algorithm>
#include <charconv>
#include <numeric>

#include "core/base/assert.h"
#include "core/base/hash.h"

namespace retort {

TextDigest text_digest(std::string_view text) {
  std::string normal(text.size(), '\0');
  char* out = normal.data();
  bool space = false;
  for (const char c : text) {
    if (c == ' ' || (c >= '\t' && c <= '\r')) {
      space = out != normal.data();
      continue;
    }
    if (space) *out++ = ' ';
    space = false;
    *out++ = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  }
  normal.resize(static_cast<std::size_t>(out - normal.data()));
  const std::string hex = sha256_hex(normal);
  TextDigest digest{};
  for (std::size_t i = 0; i < digest.size(); ++i) {
    std::from_chars(hex.data() + 16 * i, hex.data() + 16 * (i + 1), digest[i], 16);
  }
  return digest;
}

std::string text_digest_method() { return sha256_hex("text digest 1: lower ASCII, white space, SHA-256/128"); }

std::vector<Duplicate> exact_duplicates(std::span<const TextDigest> texts, std::span<const std::uint64_t> groups) {
  RETORT_ASSERT(groups.empty() || groups.size() == texts.size());
  const auto group = [&](std::uint32_t at) { return groups.empty() ? 0 : groups[at]; };
  const auto same = [&](std::uint32_t a, std::uint32_t b) { return texts[a] == texts[b] && group(a) == group(b); };
  std::vector<std::uint32_t> order(texts.size());
  std::iota(order.begin(), order.end(), 0U);
  std::sort(order.begin(), order.end(), [&](std::uint32_t a, std::uint32_t b) {
    if (texts[a] != texts[b]) return texts[a] < texts[b];
    return group(a) != group(b) ? group(a) < group(b) : a < b;
  });
  std::vector<Duplicate> found;
  for (std::size_t i = 0, first = 0; i < order.size(); ++i) {
    if (!same(order[first], order[i])) first = i;
    if (i != first) found.push_back({order[i], order[first], 1.0});
  }
  std::sort(found.begin(), found.end(), [](const auto& a, const auto& b) { return a.dropped < b.dropped; });
  return found;
}

}  // namespace retort
