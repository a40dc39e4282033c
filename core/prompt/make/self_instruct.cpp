#include "core/prompt/make/self_instruct.h"

#include <algorithm>
#include <array>

#include "core/base/text.h"

namespace retort {
namespace {

constexpr std::size_t kExamples = 8, kMadeExamples = 2;
constexpr std::size_t kWordsMin = 4, kWordsMax = 150;

// Tasks about what a text cannot hold, as the paper's code lists them.
constexpr std::array<std::string_view, 14> kBeyondText = {"image",    "images", "graph", "graphs", "picture",
                                                          "pictures", "file",   "files", "map",    "maps",
                                                          "draw",     "plot",   "video", "audio"};

std::vector<std::string> words_of(std::string_view text) {
  std::vector<std::string> words;
  std::string word;
  for (const char c : lower_ascii(text) + " ") {
    if (static_cast<unsigned char>(c) > ' ') {
      word += c;
    } else if (!word.empty()) {
      words.push_back(std::move(word));
      word.clear();
    }
  }
  return words;
}

/// So many different positions of [first, first + count), in random order.
std::vector<std::size_t> draw(std::size_t first, std::size_t count, std::size_t wanted, Random& random) {
  std::vector<std::size_t> all(count);
  for (std::size_t i = 0; i < count; ++i) all[i] = first + i;
  wanted = std::min(wanted, count);
  for (std::size_t i = 0; i < wanted; ++i) {
    const auto other =
        static_cast<std::size_t>(random.between(static_cast<std::int64_t>(i), static_cast<std::int64_t>(count) - 1));
    std::swap(all[i], all[other]);
  }
  all.resize(wanted);
  return all;
}

}  // namespace

std::vector<std::size_t> choose_examples(std::size_t seeds, std::size_t made, Random& random) {
  std::vector<std::size_t> chosen = draw(seeds, made, kMadeExamples, random);
  const std::vector<std::size_t> of_seeds = draw(0, seeds, kExamples - chosen.size(), random);
  chosen.insert(chosen.end(), of_seeds.begin(), of_seeds.end());
  const std::vector<std::size_t> order = draw(0, chosen.size(), chosen.size(), random);
  std::vector<std::size_t> shuffled;
  for (const std::size_t position : order) shuffled.push_back(chosen[position]);
  return shuffled;
}

Json self_instruct_messages(const std::vector<std::string>& examples, int wanted) {
  std::string text = "Here are some tasks, each of another kind:\n\n";
  std::size_t number = 0;
  for (const std::string& example : examples)
    text += "Task " + std::to_string(++number) + ": " + on_one_line(example) + "\n";
  const std::string first = std::to_string(number + 1),
                    last = std::to_string(number + static_cast<std::size_t>(wanted));
  text +=
      "\nCome up with " + std::to_string(wanted) +
      " more tasks. They should differ from these and from each other in subject, form and difficulty. Each must be "
      "complete in itself and answerable in text alone. Write only the tasks, numbered from Task " +
      first + " to Task " + last + ", each on a line of its own that begins with 'Task N:'.";
  return Json::array({{{"role", "user"}, {"content", text}}});
}

std::string why_no_task(std::string_view task) {
  const std::vector<std::string> words = words_of(task);
  if (words.size() < kWordsMin) return "too short";
  if (words.size() > kWordsMax) return "too long";
  const auto first = static_cast<unsigned char>(trimmed(task).front());
  const bool letter = (first >= 'a' && first <= 'z') || (first >= 'A' && first <= 'Z') || first >= 0x80;
  if (!letter && !(first >= '0' && first <= '9')) return "begins with punctuation";
  for (std::string word : words) {
    while (!word.empty() && (word.back() == '.' || word.back() == ',' || word.back() == '?' || word.back() == ':'))
      word.pop_back();
    if (std::find(kBeyondText.begin(), kBeyondText.end(), word) != kBeyondText.end()) return "wants more than text";
  }
  return {};
}

}  // namespace retort
