#include "core/grade/exact_match.h"

#include <string>

#include "core/base/text.h"

namespace retort {
namespace {

bool equal(std::string_view answer, std::string_view reference) {
  answer = trimmed(answer);
  if (answer == reference) return true;
  if (!answer.ends_with('.')) return false;
  answer.remove_suffix(1);
  return trimmed(answer) == reference;
}

std::string_view last_line(std::string_view text) {
  text = trimmed(text);
  const std::size_t feed = text.find_last_of("\r\n");
  return feed == std::string_view::npos ? text : text.substr(feed + 1);
}

}  // namespace

bool exact_match(std::string_view answer, std::string_view reference) {
  reference = trimmed(reference);
  if (reference.empty()) return false;
  if (equal(answer, reference) || equal(last_line(answer), reference)) return true;
  constexpr std::string_view kMark = "answer:";
  const std::size_t mark = lower_ascii(answer).rfind(kMark);
  return mark != std::string::npos && equal(answer.substr(mark + kMark.size()), reference);
}

}  // namespace retort
