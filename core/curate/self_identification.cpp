#include "core/curate/self_identification.h"

#include <algorithm>
#include <utility>

#include "core/base/text.h"
#include "core/curate/claim_patterns.h"
#include "core/curate/regex.h"
#include "core/curate/speech.h"
#include "core/curate/vendors.h"

namespace retort {
namespace {

constexpr std::size_t kSpanBytesMax = 120;
constexpr std::size_t kContextBytes = 80;   // what is read before a claim for "he says that"
constexpr std::size_t kGreetingBytes = 60;  // "Hello! I'm Claude." at the beginning of an answer

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

// Words that are not the speaker's own: quoted, reported, denied, supposed or asked.
bool is_not_own(const Speech& answer, const RegexMatch& match) {
  const std::string_view text = answer.text();
  if (answer.is_quotation(match.begin)) return true;
  if (patterns().reported.in(before(text, match.begin, kContextBytes))) return true;
  std::string_view rest = text.substr(match.end);
  while (!rest.empty() && (rest.front() == '*' || rest.front() == '_' || rest.front() == ' ')) rest.remove_prefix(1);
  return rest.starts_with("?") || rest.starts_with("？") || rest.starts_with("吗") || rest.starts_with("か？");
}

// An ordinary name at the beginning of an answer, and nothing but a full stop after it: "Hello! I'm Claude."
bool is_introduction(std::string_view text, const RegexMatch& match) {
  if (match.begin > kGreetingBytes) return false;
  const std::string_view rest = text.substr(match.group_end);
  constexpr std::string_view kStops[] = {".", "!", ",", "*", "。", "！", "，"};
  return rest.empty() || std::any_of(std::begin(kStops), std::end(kStops),
                                     [rest](std::string_view stop) { return rest.starts_with(stop); });
}

bool counts(const Speech& answer, const Patterns::Claim& claim, const RegexMatch& match) {
  if (match.group.empty() || is_not_own(answer, match)) return false;
  const std::string_view rest = after(answer.text(), match.group_end, 2 * kContextBytes);
  if (claim.identity && patterns().somebody_else.in(rest)) return false;
  return !claim.needs_support || is_introduction(answer.text(), match) || patterns().support.in(rest);
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
  const Speech answer(text);
  for (const Patterns::Claim& claim : patterns().claims) {
    for (auto match = claim.regex.find(text, 0); match; match = claim.regex.find(text, match->end)) {
      if (match->end == match->begin) break;
      if (!counts(answer, claim, *match)) continue;
      const std::string_view vendor = vendor_of_alias(match->group);
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
