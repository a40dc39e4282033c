// Is a prompt new? ROUGE-L (Lin 2004) against all that is there, as Self-Instruct (Wang et al. 2022, arXiv:2212.10560,
// section 2.2) decides it: what is more alike than 0.7 to any is dropped.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace retort {

/// The F measure of the longest common subsequence of words, 0 to 1. Words are runs of letters and digits, in lower
/// case; bytes beyond ASCII count as letters.
double rouge_l(std::string_view a, std::string_view b);

/// Memory grows with what was accepted: some 4 bytes a word.
class NoveltyFilter {
 public:
  explicit NoveltyFilter(double threshold) : threshold_(threshold) {}

  /// Whether `text` is less alike than the threshold to everything added. A text without words is not.
  bool is_new(std::string_view text);
  void add(std::string_view text);

 private:
  using Words = std::vector<std::uint32_t>;
  struct Known {
    Words words, sorted;
  };
  Words words_of(std::string_view text);

  double threshold_;
  std::unordered_map<std::string, std::uint32_t> ids_;
  std::vector<Known> known_;
};

}  // namespace retort
