#include "core/prompt/make/evolve.h"

#include <algorithm>
#include <array>
#include <vector>

#include "core/base/text.h"
#include "core/prompt/make/item_list.h"

namespace retort {
namespace {

constexpr std::array kAll = {Evolution::constraints, Evolution::deepen, Evolution::concretise, Evolution::reasoning,
                             Evolution::breadth};
constexpr std::array<std::string_view, 5> kWords = {"constraints", "deepen", "concretise", "reasoning", "breadth"};
constexpr std::array<std::string_view, 4> kHow = {
    "Add one more constraint or requirement.",
    "If it asks about certain issues, ask about them in more depth and breadth.",
    "Replace general concepts with more specific ones.",
    "If it can be solved with a few simple thoughts, rewrite it so that it explicitly asks for several steps of "
    "reasoning.",
};
constexpr std::size_t kApologyWords = 80;

constexpr std::array<std::string_view, 44> kStopWords = {
    "a",  "an",   "and",  "are", "as",   "at",   "be", "but", "by", "can",  "do",   "for",  "from", "had", "has",
    "he", "have", "i",    "if",  "in",   "is",   "it", "its", "me", "my",   "no",   "not",  "of",   "on",  "or",
    "so", "she",  "that", "the", "they", "this", "to", "was", "we", "were", "will", "with", "you",  "your"};

// Dashes, ellipses, quotation marks and the like beyond ASCII: the blocks of punctuation of Latin, of all scripts and
// of Chinese and Japanese (U+0080.., U+2000.., U+3000..).
bool is_punctuation(std::string_view word) {
  while (!word.empty()) {
    const std::string_view lead = word.substr(0, 2);
    const bool marks = word[0] == '\xc2' || lead == "\xe2\x80" || lead == "\xe2\x81" || lead == "\xe3\x80";
    if (!marks && word[0] != '\'') return false;
    word.remove_prefix(std::min<std::size_t>(word.size(), word[0] == '\'' ? 1 : word[0] == '\xc2' ? 2 : 3));
  }
  return true;
}

std::vector<std::string> words_of(std::string_view text) {
  std::vector<std::string> words;
  std::string word;
  for (const char c : lower_ascii(text) + " ") {
    const auto byte = static_cast<unsigned char>(c);
    if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '\'' || byte >= 0x80) {
      word += c;
    } else if (!word.empty()) {
      if (!is_punctuation(word)) words.push_back(word);
      word.clear();
    }
  }
  return words;
}

Json one_question(std::string text) { return Json::array({{{"role", "user"}, {"content", std::move(text)}}}); }

}  // namespace

std::span<const Evolution> all_evolutions() { return kAll; }

std::string_view evolution_word(Evolution evolution) { return kWords[static_cast<std::size_t>(evolution)]; }

std::optional<Evolution> evolution_of(std::string_view word) {
  for (const Evolution evolution : kAll) {
    if (evolution_word(evolution) == word) return evolution;
  }
  return {};
}

Json evolve_messages(Evolution evolution, std::string_view prompt) {
  std::string text;
  if (evolution == Evolution::breadth) {
    text =
        "Draw inspiration from the #Given Prompt# and create a brand new prompt. It belongs to the same domain but is "
        "rarer; its length and difficulty are alike. It must be reasonable, complete in itself, and people must be "
        "able "
        "to understand and answer it. ";
  } else {
    text =
        "Rewrite the #Given Prompt# into a more complex version that is a bit harder for today's language models. It "
        "must stay reasonable, complete in itself, and people must be able to understand and answer it. Do not leave "
        "out tables or code that are in it. Complicate it in this way: " +
        std::string(kHow[static_cast<std::size_t>(evolution)]) + " Do not make it wordy: add 10 to 20 words at most. ";
  }
  text +=
      "Write the new prompt and nothing else; the words 'given prompt' and 'rewritten prompt' must not occur in it."
      "\n\n#Given Prompt#:\n" +
      std::string(prompt);
  return one_question(std::move(text));
}

std::string read_evolved(std::string_view answer) {
  std::string_view text = trimmed(answer);
  for (const std::string_view heading :
       {"#rewritten prompt#", "#created prompt#", "#new prompt#", "rewritten prompt", "new prompt"}) {
    if (!lower_ascii(text.substr(0, 24)).starts_with(heading)) continue;
    std::string_view rest = trimmed(text.substr(heading.size()));
    if (heading.front() != '#' && !rest.starts_with(':')) continue;
    if (rest.starts_with(':')) rest = trimmed(rest.substr(1));
    text = rest;
    break;
  }
  return bare_item(text);
}

std::string why_not_evolved(std::string_view before, std::string_view evolved) {
  const std::vector<std::string> words = words_of(evolved);
  if (words.empty()) return "nothing was written";
  if (words == words_of(before)) return "it is what it was";
  const std::string lower = lower_ascii(evolved);
  for (const std::string_view copied : {"given prompt", "rewritten prompt", "created prompt", "#new prompt#"}) {
    if (lower.find(copied) != std::string::npos && lower_ascii(before).find(copied) == std::string::npos)
      return "words of the question were copied";
  }
  const bool apology = lower.starts_with("i'm sorry") || lower.starts_with("i am sorry") ||
                       lower.starts_with("sorry,") || lower.starts_with("i cannot") || lower.starts_with("i can't");
  if (apology) return "the teacher declined";
  return {};
}

Json equality_messages(std::string_view before, std::string_view evolved) {
  return one_question(
      "Here are two instructions to a language model. Are they equal, in that they have the same constraints and "
      "requirements, and the same depth and breadth of inquiry?\n\nThe first:\n" +
      std::string(before) + "\n\nThe second:\n" + std::string(evolved) +
      "\n\nAnswer with one line and nothing else: Equal, or Not Equal.");
}

std::optional<bool> read_equality(std::string_view answer) {
  const std::string lower = lower_ascii(answer);
  const std::size_t equal = lower.rfind("equal");
  if (equal == std::string::npos) return {};
  const std::string_view before = std::string_view(lower).substr(0, equal);
  if (before.ends_with("not ") || before.ends_with("un") || before.ends_with("in") || before.ends_with("not be "))
    return false;
  return true;
}

std::string why_unanswerable(std::string_view answer) {
  const std::vector<std::string> words = words_of(answer);
  const bool sorry = std::find(words.begin(), words.end(), "sorry") != words.end();
  if (sorry && words.size() < kApologyWords) return "the answer is an apology";
  const bool empty = std::all_of(words.begin(), words.end(), [](const std::string& word) {
    return std::find(kStopWords.begin(), kStopWords.end(), word) != kStopWords.end();
  });
  return empty ? "the answer says nothing" : "";
}

}  // namespace retort
