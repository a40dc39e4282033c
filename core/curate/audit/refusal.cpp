#include "core/curate/audit/refusal.h"

#include <algorithm>
#include <optional>
#include <set>
#include <vector>

#include "core/base/text.h"
#include "core/base/visible_text.h"
#include "core/curate/audit/refusal_patterns.h"
#include "core/curate/regex.h"
#include "core/curate/speech.h"

namespace retort {
namespace {

constexpr std::size_t kSpanBytesMax = 120;
constexpr std::size_t kAnsweredBytes = 24;  // so much said before it declines: the rest was answered
constexpr std::size_t kEdgeBytes = 700;     // of a long text only its beginning and its end are the model's own stance

struct Patterns {
  struct Refusal {
    bool deflects;
    Regex stance;
    std::optional<Regex> act, guard;
  };
  std::vector<Refusal> refusals;
  Regex hint{kHintRegex}, preamble{kPreambleRegex}, salutation{kSalutationRegex}, speaker{kSpeakerRegex},
      own_speaker{kOwnSpeakerRegex}, translation{kTranslationRegex};

  Patterns() {
    const auto optional = [](std::string_view regex) {
      return regex.empty() ? std::optional<Regex>() : std::optional<Regex>(Regex(regex));
    };
    for (const RefusalPattern& pattern : refusal_patterns()) {
      refusals.push_back({pattern.deflects, Regex(pattern.stance), optional(pattern.act), optional(pattern.guard)});
    }
  }
};

const Patterns& patterns() {
  static const Patterns kPatterns;
  return kPatterns;
}

// Where lines begin with the names of at least two speakers, none of them is the model.
bool is_dialogue(std::string_view text) {
  std::set<std::string> speakers;
  for (auto match = patterns().speaker.find(text); match; match = patterns().speaker.find(text, match->end)) {
    if (!patterns().own_speaker.in(match->group)) speakers.insert(std::string(match->group));
    if (speakers.size() >= 2) return true;
  }
  return false;
}

struct Declined {
  bool deflects = false;
  std::size_t at = 0;
};

std::optional<Declined> declines(const Speech& speech, const Sentence& sentence) {
  const std::string_view words = speech.text().substr(sentence.begin, sentence.end - sentence.begin);
  if (!patterns().hint.in(words)) return {};
  for (const Patterns::Refusal& refusal : patterns().refusals) {
    const auto stance = refusal.stance.find(words);
    if (!stance || (refusal.act && !refusal.act->in(words)) || (refusal.guard && refusal.guard->in(words))) continue;
    if (speech.is_quotation(sentence.begin + stance->begin)) continue;
    return Declined{refusal.deflects, sentence.begin + stance->begin};
  }
  return {};
}

}  // namespace

std::optional<Refusal> refusal_in(std::string_view bytes) {
  std::string repaired;
  std::string_view text = bytes;
  if (!is_valid_utf8(bytes)) {
    repaired = to_valid_utf8(bytes);
    text = repaired;
  }
  if (trimmed(text).empty() || patterns().salutation.in(text) || is_dialogue(text)) return {};
  const Speech speech(text);
  std::size_t answered = 0;  // bytes of what was said before, apart from "I'm sorry."
  bool deflects = false, refuses = false;
  std::optional<Refusal> found;
  for (const Sentence& sentence : sentences_of(text)) {
    const std::string_view words = trimmed(text.substr(sentence.begin, sentence.end - sentence.begin));
    const bool at_edge = sentence.begin < kEdgeBytes || sentence.end + kEdgeBytes > text.size();
    const auto declined = at_edge ? declines(speech, sentence) : std::nullopt;
    if (declined) {
      if (!found) found = Refusal{RefusalKind::refusal, shortened(visible_line(words), kSpanBytesMax)};
      (declined->deflects ? deflects : refuses) = true;
    } else if (!found && !patterns().preamble.in(words)) {
      answered += words.size();
    }
  }
  if (found && answered >= kAnsweredBytes) found->kind = RefusalKind::partial;
  if (found && deflects && (found->kind == RefusalKind::refusal || !refuses)) found->kind = RefusalKind::deflection;
  return found;
}

Label RefusalAudit::judge(const Answered& pair) const {
  if (pair.finish == Finish::content_filter) return {"content_filter", "the provider's filter ended it", 1};
  if (pair.finish == Finish::refusal || !trimmed(pair.refusal).empty()) {
    const std::string words = shortened(visible_line(pair.refusal), kSpanBytesMax);
    return {"refusal", words.empty() ? "the provider says that it refused" : "the provider's refusal: " + words, 1};
  }
  const std::optional<Refusal> refusal = refusal_in(pair.text);
  if (!refusal) return {};
  // Who has a refusal translated gets one.
  if (is_valid_utf8(pair.prompt) && patterns().translation.in(pair.prompt)) return {};
  switch (refusal->kind) {
    case RefusalKind::refusal:
      return {"refusal", "declines: " + refusal->span, 0.9};
    case RefusalKind::partial:
      return {"partial", "declines a part: " + refusal->span, 0.7};
    case RefusalKind::deflection:
      return {"deflection", "changes the subject: " + refusal->span, 0.8};
  }
  return {};
}

}  // namespace retort
