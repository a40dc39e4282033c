#include "core/curate/speech.h"

#include <algorithm>

#include "core/base/text.h"

namespace retort {
namespace {

constexpr std::size_t kSentenceBytesMax = 1000;
constexpr std::size_t kQuoteBytesMax = 4000;  // how far back a quotation may have begun

std::size_t character_at_or_after(std::string_view text, std::size_t at) {
  while (at < text.size() && (static_cast<unsigned char>(text[at]) & 0xC0) == 0x80) ++at;
  return at;
}

// Inside quotation marks that opened on the same line and have not closed.
bool is_quoted(std::string_view line_before) {
  char open = 0;  // the first letter of who closes it
  const auto toggle = [&open](char kind) { open = open == kind ? 0 : open == 0 ? kind : open; };
  for (std::size_t i = 0; i < line_before.size(); ++i) {
    const std::string_view rest = line_before.substr(i);
    const bool after_digit = i > 0 && line_before[i - 1] >= '0' && line_before[i - 1] <= '9';
    if (rest[0] == '"' && (open == 'd' || !after_digit)) toggle('d');  // 5" is a length
    if (rest[0] == '`') toggle('b');
    if (rest.starts_with("«") || rest.starts_with("»")) toggle('g');
    if (rest.starts_with("„")) open = 'l';
    if (rest.starts_with("“")) open = open == 'l' ? 0 : 'c';  // it closes a German quotation and opens an English one
    if (rest.starts_with("”") && (open == 'c' || open == 'l')) open = 0;
    if (rest.starts_with("「") || rest.starts_with("『")) open = 'j';
    if ((rest.starts_with("」") || rest.starts_with("』")) && open == 'j') open = 0;
  }
  if (open != 0) return true;
  // A single mark may be an apostrophe, unless it stands right before the claim.
  return line_before.ends_with("'") || line_before.ends_with("‘");
}

}  // namespace

std::string_view before(std::string_view text, std::size_t at, std::size_t bytes_max) {
  const std::size_t begin = at > bytes_max ? character_at_or_after(text, at - bytes_max) : 0;
  return begin < at ? text.substr(begin, at - begin) : std::string_view();
}

std::string_view after(std::string_view text, std::size_t at, std::size_t bytes_max) {
  return text.substr(at, character_at_or_after(text, std::min(text.size(), at + bytes_max)) - at);
}

std::vector<Sentence> sentences_of(std::string_view text) {
  std::vector<Sentence> sentences;
  std::size_t begin = 0;
  const auto end_at = [&](std::size_t end) {
    if (end > begin) sentences.push_back({begin, end});
    begin = end;
  };
  for (std::size_t at = 0; at < text.size(); ++at) {
    const std::string_view rest = text.substr(at);
    if (rest[0] == '\n') {
      end_at(at + 1);
    } else if (rest[0] == '.' || rest[0] == '!' || rest[0] == '?') {
      if (rest.size() == 1 || rest[1] == ' ' || rest[1] == '\n') end_at(at + 1);
    } else if (rest.starts_with("。") || rest.starts_with("！") || rest.starts_with("？")) {
      end_at(at + 3);
    } else if (at - begin >= kSentenceBytesMax && (static_cast<unsigned char>(rest[0]) & 0xC0) != 0x80) {
      end_at(at);
    }
  }
  end_at(text.size());
  return sentences;
}

Speech::Speech(std::string_view text) : text_(text) {
  for (std::size_t at = text.find("```"); at != std::string_view::npos; at = text.find("```", at + 3)) {
    fences_.push_back(at);
  }
}

bool Speech::is_code(std::size_t at) const {
  return (std::lower_bound(fences_.begin(), fences_.end(), at) - fences_.begin()) % 2 == 1;
}

bool Speech::is_quotation(std::size_t at) const {
  const std::string_view recent = before(text_, at, kQuoteBytesMax);
  const std::size_t newline = recent.rfind('\n');
  const std::string_view line = newline == std::string_view::npos ? recent : recent.substr(newline + 1);
  return trimmed(line).starts_with(">") || is_quoted(line) || is_code(at);
}

}  // namespace retort
