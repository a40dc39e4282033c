#include "core/prompt/make/novelty.h"

#include <algorithm>

namespace retort {
namespace {

bool in_word(unsigned char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c >= 0x80;
}

template <class Use>
void for_each_word(std::string_view text, const Use& use) {
  std::string word;
  for (std::size_t i = 0; i <= text.size(); ++i) {
    const auto c = static_cast<unsigned char>(i < text.size() ? text[i] : ' ');
    if (in_word(c)) {
      word += static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c);
    } else if (!word.empty()) {
      use(word);
      word.clear();
    }
  }
}

template <class T>
std::size_t common_subsequence(const std::vector<T>& a, const std::vector<T>& b) {
  std::vector<std::size_t> row(b.size() + 1, 0);
  for (const T& x : a) {
    std::size_t diagonal = 0;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t above = row[j];
      row[j] = x == b[j - 1] ? diagonal + 1 : std::max(above, row[j - 1]);
      diagonal = above;
    }
  }
  return row.back();
}

double f_measure(std::size_t common, std::size_t a, std::size_t b) {
  return a + b == 0 ? 0 : 2.0 * static_cast<double>(common) / static_cast<double>(a + b);
}

std::size_t shared(const std::vector<std::uint32_t>& a, const std::vector<std::uint32_t>& b) {
  std::size_t count = 0;
  for (auto i = a.begin(), j = b.begin(); i != a.end() && j != b.end();) {
    if (*i == *j)
      ++count, ++i, ++j;
    else if (*i < *j)
      ++i;
    else
      ++j;
  }
  return count;
}

}  // namespace

double rouge_l(std::string_view a, std::string_view b) {
  std::vector<std::string> x, y;
  for_each_word(a, [&](const std::string& word) { x.push_back(word); });
  for_each_word(b, [&](const std::string& word) { y.push_back(word); });
  return f_measure(common_subsequence(x, y), x.size(), y.size());
}

NoveltyFilter::Words NoveltyFilter::words_of(std::string_view text) {
  Words words;
  for_each_word(text, [&](const std::string& word) {
    words.push_back(ids_.try_emplace(word, static_cast<std::uint32_t>(ids_.size())).first->second);
  });
  return words;
}

bool NoveltyFilter::is_new(std::string_view text) {
  const Words words = words_of(text);
  if (words.empty()) return false;
  Words sorted = words;
  std::sort(sorted.begin(), sorted.end());
  for (const Known& known : known_) {
    // Bounds first: a common subsequence is no longer than the shorter text, nor than what both have at all.
    const std::size_t n = words.size(), m = known.words.size();
    if (f_measure(std::min(n, m), n, m) < threshold_) continue;
    if (f_measure(shared(sorted, known.sorted), n, m) < threshold_) continue;
    if (f_measure(common_subsequence(words, known.words), n, m) >= threshold_) return false;
  }
  return true;
}

void NoveltyFilter::add(std::string_view text) {
  Known known{words_of(text), {}};
  known.sorted = known.words;
  std::sort(known.sorted.begin(), known.sorted.end());
  known_.push_back(std::move(known));
}

}  // namespace retort
