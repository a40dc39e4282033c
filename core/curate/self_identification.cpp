#define PCRE2_CODE_UNIT_WIDTH 8
#include "core/curate/self_identification.h"

#include <pcre2.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>

#include "core/base/assert.h"
#include "core/base/text.h"
#include "core/curate/claim_patterns.h"
#include "core/curate/vendors.h"

namespace retort {
namespace {

constexpr std::size_t kSpanBytesMax = 120;
constexpr std::size_t kContextBytes = 80;     // what is read before a claim for "he says that"
constexpr std::size_t kQuoteBytesMax = 4000;  // how far back a quotation may have begun
constexpr std::size_t kGreetingBytes = 60;    // "Hello! I'm Claude." at the beginning of an answer

struct Match {
  std::size_t begin = 0, end = 0;
  std::string_view vendor_alias;
  std::size_t alias_end = 0;
};

// A compiled pattern never changes; what a match writes belongs to the call.
class Regex {
 public:
  explicit Regex(std::string_view pattern) {
    int error = 0;
    PCRE2_SIZE at = 0;
    code_.reset(pcre2_compile(reinterpret_cast<PCRE2_SPTR>(pattern.data()), pattern.size(),
                              PCRE2_UTF | PCRE2_UCP | PCRE2_CASELESS | PCRE2_DUPNAMES, &error, &at, nullptr));
    RETORT_ASSERT(code_ != nullptr);
    pcre2_jit_compile(code_.get(), PCRE2_JIT_COMPLETE);  // without it the same matches, slower
    const int group = pcre2_substring_number_from_name(code_.get(), reinterpret_cast<PCRE2_SPTR>("v"));
    if (group > 0) {
      groups_ = {group};
    } else if (group == PCRE2_ERROR_NOUNIQUESUBSTRING) {
      PCRE2_SPTR first = nullptr, last = nullptr;
      const int size = pcre2_substring_nametable_scan(code_.get(), reinterpret_cast<PCRE2_SPTR>("v"), &first, &last);
      for (PCRE2_SPTR entry = first; entry <= last; entry += size) groups_.push_back((entry[0] << 8) | entry[1]);
    }
  }

  // `text` is valid UTF-8.
  std::optional<Match> find(std::string_view text, std::size_t from) const {
    const std::unique_ptr<pcre2_match_data, void (*)(pcre2_match_data*)> data(
        pcre2_match_data_create_from_pattern(code_.get(), nullptr), pcre2_match_data_free);
    RETORT_ASSERT(data != nullptr);
    const auto* subject = reinterpret_cast<PCRE2_SPTR>(text.data());
    int count = pcre2_match(code_.get(), subject, text.size(), from, PCRE2_NO_UTF_CHECK, data.get(), nullptr);
    if (count < 0 && count != PCRE2_ERROR_NOMATCH) {  // the JIT's stack is small; the interpreter's is the heap
      count =
          pcre2_match(code_.get(), subject, text.size(), from, PCRE2_NO_UTF_CHECK | PCRE2_NO_JIT, data.get(), nullptr);
    }
    if (count <= 0) return {};
    const PCRE2_SIZE* bounds = pcre2_get_ovector_pointer(data.get());
    Match match{bounds[0], bounds[1], {}, bounds[1]};
    for (const int group : groups_) {
      const PCRE2_SIZE begin = bounds[2 * group], end = bounds[2 * group + 1];
      if (group >= count || begin == PCRE2_UNSET) continue;
      match.vendor_alias = text.substr(begin, end - begin);
      match.alias_end = end;
    }
    return match;
  }

  bool in(std::string_view text) const { return find(text, 0).has_value(); }

 private:
  struct Free {
    void operator()(pcre2_code* code) const { pcre2_code_free(code); }
  };
  std::unique_ptr<pcre2_code, Free> code_;
  std::vector<int> groups_;
};

struct Patterns {
  struct Claim {
    Regex regex;
    bool needs_support, identity;
  };
  Regex any_alias{any_alias_regex()};
  Regex support{kSupportRegex};
  Regex somebody_else{kSomebodyElseRegex};
  Regex reported{kReportedRegex};
  std::vector<Claim> claims;

  Patterns() {
    for (const ClaimPattern& pattern : claim_patterns()) {
      claims.push_back({Regex(pattern.regex), pattern.needs_support, pattern.identity});
    }
  }
};

const Patterns& patterns() {
  static const Patterns kPatterns;
  return kPatterns;
}

std::size_t character_at_or_after(std::string_view text, std::size_t at) {
  while (at < text.size() && (static_cast<unsigned char>(text[at]) & 0xC0) == 0x80) ++at;
  return at;
}

std::string_view before(std::string_view text, std::size_t at, std::size_t bytes_max) {
  const std::size_t begin = at > bytes_max ? character_at_or_after(text, at - bytes_max) : 0;
  return begin < at ? text.substr(begin, at - begin) : std::string_view();
}

std::string_view after(std::string_view text, std::size_t at, std::size_t bytes_max) {
  return text.substr(at, character_at_or_after(text, std::min(text.size(), at + bytes_max)) - at);
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

// A text and where its code fences are: found once, for a text may be one claim after the other.
struct Answer {
  std::string_view text;
  std::vector<std::size_t> fences;

  explicit Answer(std::string_view whole) : text(whole) {
    for (std::size_t at = text.find("```"); at != std::string_view::npos; at = text.find("```", at + 3)) {
      fences.push_back(at);
    }
  }
  bool is_code(std::size_t at) const {
    return (std::lower_bound(fences.begin(), fences.end(), at) - fences.begin()) % 2 == 1;
  }
};

// Words that are not the speaker's own: quoted, reported, denied, supposed or asked.
bool is_not_own(const Answer& answer, const Match& match) {
  const std::string_view text = answer.text;
  const std::string_view recent = before(text, match.begin, kQuoteBytesMax);
  const std::size_t newline = recent.rfind('\n');
  const std::string_view line = newline == std::string_view::npos ? recent : recent.substr(newline + 1);
  if (trimmed(line).starts_with(">") || is_quoted(line) || answer.is_code(match.begin)) return true;
  if (patterns().reported.in(before(text, match.begin, kContextBytes))) return true;
  std::string_view rest = text.substr(match.end);
  while (!rest.empty() && (rest.front() == '*' || rest.front() == '_' || rest.front() == ' ')) rest.remove_prefix(1);
  return rest.starts_with("?") || rest.starts_with("？") || rest.starts_with("吗") || rest.starts_with("か？");
}

// An ordinary name at the beginning of an answer, and nothing but a full stop after it: "Hello! I'm Claude."
bool is_introduction(std::string_view text, const Match& match) {
  if (match.begin > kGreetingBytes) return false;
  const std::string_view rest = text.substr(match.alias_end);
  constexpr std::string_view kStops[] = {".", "!", ",", "*", "。", "！", "，"};
  return rest.empty() || std::any_of(std::begin(kStops), std::end(kStops),
                                     [rest](std::string_view stop) { return rest.starts_with(stop); });
}

bool counts(const Answer& answer, const Patterns::Claim& claim, const Match& match) {
  if (match.vendor_alias.empty() || is_not_own(answer, match)) return false;
  const std::string_view rest = after(answer.text, match.alias_end, 2 * kContextBytes);
  if (claim.identity && patterns().somebody_else.in(rest)) return false;
  return !claim.needs_support || is_introduction(answer.text, match) || patterns().support.in(rest);
}

void add(std::vector<SelfIdentification>& found, SelfIdentification claim) {
  for (SelfIdentification& earlier : found) {
    if (earlier.vendor != claim.vendor) continue;
    if (claim.begin < earlier.begin) earlier = std::move(claim);
    return;
  }
  found.push_back(std::move(claim));
}

}  // namespace

std::vector<SelfIdentification> self_identifications(std::string_view bytes) {
  std::string repaired;
  std::string_view text = bytes;
  if (!is_valid_utf8(bytes)) {
    repaired = to_valid_utf8(bytes);
    text = repaired;
  }
  std::vector<SelfIdentification> found;
  if (!patterns().any_alias.in(text)) return found;
  const Answer answer(text);
  for (const Patterns::Claim& claim : patterns().claims) {
    for (auto match = claim.regex.find(text, 0); match; match = claim.regex.find(text, match->end)) {
      if (match->end == match->begin) break;
      if (!counts(answer, claim, *match)) continue;
      const std::string_view vendor = vendor_of_alias(match->vendor_alias);
      if (vendor.empty()) continue;
      const std::string_view words = trimmed(text.substr(match->begin, match->end - match->begin));
      add(found, {std::string(vendor), shortened(on_one_line(words), kSpanBytesMax), match->begin, match->end});
    }
  }
  std::sort(found.begin(), found.end(),
            [](const auto& a, const auto& b) { return std::pair(a.begin, a.end) < std::pair(b.begin, b.end); });
  return found;
}

std::vector<SelfIdentification> self_identifications(const Response& answer) {
  auto found = self_identifications(answer.text);
  for (SelfIdentification& claim : self_identifications(answer.reasoning)) {
    const bool known =
        std::any_of(found.begin(), found.end(), [&claim](const auto& other) { return other.vendor == claim.vendor; });
    if (!known) found.push_back(std::move(claim));
  }
  return found;
}

}  // namespace retort
