#include "core/prompt/make/item_list.h"

#include <array>
#include <optional>

#include "core/base/text.h"

namespace retort {
namespace {

bool digit(char c) { return c >= '0' && c <= '9'; }

struct Start {
  bool numbered = false;
  std::string_view rest;
};

// "9. …", "9) …", "#9: …", "Task 9: …", "**Task 9:** …", "- …".
std::optional<Start> start_of(std::string_view line) {
  line = trimmed(line);
  if (line.size() > 4 && line.starts_with("**") && line.ends_with("**"))
    line = trimmed(line.substr(2, line.size() - 4));
  while (line.starts_with('*') && !line.starts_with("* ")) line.remove_prefix(1);
  if (line.starts_with("- ") || line.starts_with("* ")) return Start{false, trimmed(line.substr(2))};
  if (line.starts_with("• ")) return Start{false, trimmed(line.substr(4))};
  const std::string lower = lower_ascii(line.substr(0, 16));
  constexpr std::array<std::string_view, 6> kWords = {"task ", "question ", "prompt ", "instruction ", "problem ", "#"};
  for (const std::string_view word : kWords) {
    if (lower.starts_with(word)) {
      line = trimmed(line.substr(word.size()));
      break;
    }
  }
  std::size_t digits = 0;
  while (digits < line.size() && digit(line[digits])) ++digits;
  if (digits == 0 || digits > 4 || digits == line.size()) return {};
  const char mark = line[digits];
  if (mark != '.' && mark != ')' && mark != ':') return {};
  std::string_view rest = line.substr(digits + 1);
  if (mark == '.' && !rest.empty() && digit(rest.front())) return {};  // 3.14
  while (rest.starts_with('*')) rest.remove_prefix(1);
  return Start{true, trimmed(rest)};
}

}  // namespace

std::string bare_item(std::string_view text) {
  while (true) {
    text = trimmed(text);
    const bool stars = text.size() > 4 && text.starts_with("**") && text.ends_with("**");
    const bool quotes = text.size() > 2 && text.front() == '"' && text.back() == '"' &&
                        text.substr(1, text.size() - 2).find('"') == std::string_view::npos;
    if (stars) {
      text = text.substr(2, text.size() - 4);
    } else if (quotes) {
      text = text.substr(1, text.size() - 2);
    } else {
      return std::string(text);
    }
  }
}

std::vector<std::string> read_items(std::string_view text) {
  std::vector<std::string> items;
  bool numbered = false;
  std::string after_gap;  // what follows an empty line: part of the item only if another item comes
  bool gap = false;
  for (std::size_t at = 0; at <= text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    const std::string_view line = text.substr(at, end - at);
    at = end + 1;
    const auto start = start_of(line);
    // Bullets below a numbered item are its own.
    if (start && (items.empty() || start->numbered || !numbered)) {
      if (items.empty()) numbered = start->numbered;
      if (!items.empty()) items.back() += after_gap;
      after_gap.clear();
      gap = false;
      items.emplace_back(start->rest);
      continue;
    }
    if (items.empty()) continue;
    if (trimmed(line).empty()) {
      gap = true;
      if (!after_gap.empty()) after_gap += "\n";
      continue;
    }
    (gap ? after_gap : items.back()) += (gap && after_gap.empty() ? "\n\n" : "\n") + std::string(line);
  }
  std::erase_if(items, [](std::string& item) {
    item = bare_item(item);
    return item.empty();
  });
  return items;
}

}  // namespace retort
