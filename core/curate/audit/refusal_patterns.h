// The sentences in which a model declines, as regular expressions, language by language. They are kept apart from the
// code that runs them, because they grow with every new phrase, and the code does not.
#pragma once

#include <span>
#include <string_view>

namespace retort {

/// A sentence declines if `stance` matches in it ("I can't …"), `act` too where it is not empty ("… help"), and
/// `guard` does not ("I can't help but"). PCRE2, Unicode, any case.
struct RefusalPattern {
  bool deflects = false;
  std::string_view stance, act, guard;
};

std::span<const RefusalPattern> refusal_patterns();

/// What every sentence that declines has at least one of: the others need not be looked at.
extern const std::string_view kHintRegex;
/// A sentence that only leads to what is said: "I'm sorry.", "I understand that this is hard."
extern const std::string_view kPreambleRegex;
/// A letter to somebody begins: what it declines, its sender declines.
extern const std::string_view kSalutationRegex;
/// A line of a dialogue: "Guard: …"; the group `v` is who speaks.
extern const std::string_view kSpeakerRegex;
/// Speakers that are the model itself: "Answer: …"
extern const std::string_view kOwnSpeakerRegex;
/// A prompt that asks for a translation or another language.
extern const std::string_view kTranslationRegex;

}  // namespace retort
