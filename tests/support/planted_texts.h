// Generated prose with near duplicates planted in it, for tests and benchmarks of dedupe and decontamination. The true
// likeness of two texts is measured here with sets of strings, by none of the code under test.
#pragma once

#include <algorithm>
#include <cctype>
#include <cmath>
#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "core/base/random.h"

namespace retort {

class Prose {
 public:
  explicit Prose(std::uint64_t seed) : random_(seed) {
    constexpr int kVocabulary = 20000;
    static const char* const kSyllables[] = {"ba", "co",  "di", "fu", "ga", "he", "il", "jo", "ka", "le", "mi", "no",
                                             "op", "qua", "ri", "se", "ti", "ur", "ve", "wo", "xa", "ye", "zu", "ster"};
    for (int i = 0; i < kVocabulary; ++i) {
      std::string word;
      for (int n = i + 24; n > 0; n /= 24) word += kSyllables[n % 24];
      words_.push_back(word);
    }
  }

  Random& random() { return random_; }
  void reseed(std::uint64_t seed) { random_ = Random(seed); }

  /// As in real prose, a few words are many: the n-th is drawn about as often as 1/n.
  const std::string& word() {
    const double rank = std::pow(static_cast<double>(words_.size()), random_.uniform());
    return words_[std::min(words_.size() - 1, static_cast<std::size_t>(rank) - 1)];
  }
  std::vector<std::string> words(std::size_t count) {
    std::vector<std::string> text;
    for (std::size_t i = 0; i < count; ++i) text.push_back(word());
    return text;
  }
  /// `edits` of the words replaced, at random.
  std::vector<std::string> edited(std::vector<std::string> text, int edits) {
    for (int i = 0; i < edits; ++i) {
      text[static_cast<std::size_t>(random_.between(0, std::ssize(text) - 1))] = word() + "x";
    }
    return text;
  }

 private:
  Random random_;
  std::vector<std::string> words_;
};

/// With capitals, commas and line ends, which change nothing.
inline std::string written(const std::vector<std::string>& words, Random& random) {
  std::string text;
  bool begins = true;
  for (std::string word : words) {
    if (begins) word[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(word[0])));
    begins = random.chance(0.1);
    text += word + (begins ? (random.chance(0.3) ? ".\n" : ". ") : random.chance(0.1) ? ", " : " ");
  }
  return text;
}

/// The Jaccard index of the sets of `width` words in sequence.
inline double jaccard_of(const std::vector<std::string>& a, const std::vector<std::string>& b, std::size_t width) {
  const auto shingles = [width](const std::vector<std::string>& words) {
    std::set<std::string> set;
    for (std::size_t i = 0; i + width <= words.size(); ++i) {
      std::string shingle;
      for (std::size_t j = i; j < i + width; ++j) shingle += words[j] + " ";
      set.insert(shingle);
    }
    return set;
  };
  const auto first = shingles(a), second = shingles(b);
  std::size_t common = 0;
  for (const std::string& shingle : first) common += second.count(shingle);
  return static_cast<double>(common) / static_cast<double>(first.size() + second.size() - common);
}

}  // namespace retort
