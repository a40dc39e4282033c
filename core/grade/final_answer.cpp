#include "core/grade/final_answer.h"

#include <algorithm>
#include <array>
#include <string>

#include "core/base/text.h"

namespace retort {
namespace {

// The content of the braces that open at `open`; a backslash hides the brace behind it.
std::optional<std::string_view> in_braces(std::string_view text, std::size_t open) {
  int depth = 0;
  for (std::size_t at = open; at < text.size(); ++at) {
    if (text[at] == '\\') {
      ++at;
    } else if (text[at] == '{') {
      ++depth;
    } else if (text[at] == '}' && --depth == 0) {
      return text.substr(open + 1, at - open - 1);
    }
  }
  return {};
}

std::string_view last_line(std::string_view text) {
  text = trimmed(text);
  const std::size_t feed = text.find_last_of("\r\n");
  return feed == std::string_view::npos ? text : trimmed(text.substr(feed + 1));
}

std::string_view first_line(std::string_view text) {
  text = trimmed(text);
  return trimmed(text.substr(0, text.find_first_of("\r\n")));
}

struct Found {
  std::size_t begin = 0, end = 0;
};

// The last place where a phrase announces an answer.
std::optional<Found> last_announcement(const std::string& lower) {
  constexpr std::array<std::string_view, 9> kPhrases = {"answer:",   "answer is:", "answer is", "####",     "answer:**",
                                                        "answer**:", "answer**",   "antwort:",  "réponse :"};
  std::optional<Found> last;
  for (const std::string_view phrase : kPhrases) {
    const std::size_t at = lower.rfind(phrase);
    if (at == std::string::npos) continue;
    const Found found{at, at + phrase.size()};
    if (!last || found.begin > last->begin || (found.begin == last->begin && found.end > last->end)) last = found;
  }
  return last;
}

}  // namespace

std::optional<std::string_view> last_boxed(std::string_view text) {
  constexpr std::array<std::string_view, 2> kCommands = {"\\boxed", "\\fbox"};
  for (std::size_t before = text.size(); before > 0;) {
    std::size_t at = std::string_view::npos, length = 0;
    for (const std::string_view command : kCommands) {
      const std::size_t found = text.rfind(command, before - 1);
      if (found != std::string_view::npos && (at == std::string_view::npos || found > at)) {
        at = found;
        length = command.size();
      }
    }
    if (at == std::string_view::npos) return {};
    std::size_t open = at + length;
    while (open < text.size() && text[open] == ' ') ++open;
    if (open < text.size() && text[open] == '{') {
      if (const auto content = in_braces(text, open)) return trimmed(*content);
    } else if (open > at + length && open < text.size()) {
      const std::size_t end = text.find_first_of(" $\r\n.,", open);
      return trimmed(text.substr(open, end == std::string_view::npos ? end : end - open));
    }
    before = at;
  }
  return {};
}

FinalAnswer final_answer(std::string_view text) {
  if (const auto boxed = last_boxed(text)) return {*boxed, FinalAnswer::Mark::boxed};
  if (const auto announced = last_announcement(lower_ascii(text))) {
    std::string_view after = text.substr(announced->end);
    while (!after.empty() && (after.front() == ':' || after.front() == '*' || after.front() == ' ')) {
      after.remove_prefix(1);
    }
    if (const std::string_view line = first_line(after); !line.empty()) return {line, FinalAnswer::Mark::stated};
  }
  return {last_line(text), FinalAnswer::Mark::line};
}

}  // namespace retort
