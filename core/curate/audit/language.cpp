#include "core/curate/audit/language.h"

#include <cld2/public/compact_lang_det.h>
#include <cld2/public/encodings.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <limits>

#include "core/base/text.h"
#include "core/curate/audit/refusal_patterns.h"
#include "core/curate/regex.h"
#include "core/curate/speech.h"

namespace retort {
namespace {

constexpr std::size_t kTextBytesMax = std::size_t{1} << 20;  // a mebibyte tells the language

bool starts_link(std::string_view rest) {
  return rest.starts_with("http://") || rest.starts_with("https://") || rest.starts_with("www.");
}

// Where what begins at `rest` with `open` ends; 0 if it does not within `bytes_max`.
std::size_t closed(std::string_view rest, std::string_view open, std::string_view close, std::size_t bytes_max) {
  if (!rest.starts_with(open)) return 0;
  const std::size_t at = rest.substr(0, bytes_max).find(close, open.size());
  return at == std::string_view::npos ? 0 : at + close.size();
}

std::size_t not_prose(std::string_view rest) {
  constexpr std::size_t kBlock = 4000, kLine = 300;  // bounds: what never closes is looked for at every mark
  switch (rest[0]) {
    case '`':
      if (rest.starts_with("```")) {
        const std::size_t end = closed(rest, "```", "```", rest.size());
        return end != 0 ? end : rest.size();
      }
      return closed(rest, "`", "`", kLine);
    case '$':
      if (const std::size_t end = closed(rest, "$$", "$$", kBlock); end != 0) return end;
      return closed(rest, "$", "$", kLine);
    case '\\':
      if (const std::size_t end = closed(rest, "\\(", "\\)", kLine); end != 0) return end;
      if (const std::size_t end = closed(rest, "\\[", "\\]", kBlock); end != 0) return end;
      return 0;
    case '<':
      return rest.size() > 1 && (rest[1] == '/' || (rest[1] >= 'a' && rest[1] <= 'z')) ? closed(rest, "<", ">", kLine)
                                                                                       : 0;
    case 'h':
    case 'w':
      return starts_link(rest) ? std::min(rest.find_first_of(" \n\t)>\""), rest.size()) : 0;
    default:
      return 0;
  }
}

double letters_in(std::string_view text) {
  double letters = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= 0xC3 && c < 0xE0)) letters += 1;
    if (c >= 0xE0 && c < 0xF0) {
      const bool mark =
          c == 0xE2 || (c == 0xE3 && i + 1 < text.size() && static_cast<unsigned char>(text[i + 1]) == 0x80);
      const bool full_width = c == 0xEF;
      if (!mark && !full_width) letters += c >= 0xE3 ? 3 : 1;
    }
  }
  return letters;
}

// Languages that nobody should be told apart by a short text.
std::string family(std::string_view code) {
  struct Kin {
    std::string_view code, as;
  };
  constexpr std::array<Kin, 16> kKin = {{{"zh-Hant", "zh"},
                                         {"nn", "no"},
                                         {"da", "no"},
                                         {"nb", "no"},
                                         {"hr", "sr"},
                                         {"bs", "sr"},
                                         {"ms", "id"},
                                         {"gl", "pt"},
                                         {"iw", "he"},
                                         {"sk", "cs"},
                                         {"uk", "ru"},
                                         {"be", "ru"},
                                         {"af", "nl"},
                                         {"sco", "en"},
                                         {"lb", "de"},
                                         {"oc", "ca"}}};
  for (const Kin& kin : kKin) {
    if (kin.code == code) return std::string(kin.as);
  }
  return std::string(code);
}

const Regex& translation() {
  static const Regex kRegex{kTranslationRegex};
  return kRegex;
}

std::string percent(double share) {
  char text[16];
  std::snprintf(text, sizeof text, "%.0f %%", 100 * share);
  return text;
}

}  // namespace

double LanguageFinding::share_of(std::string_view wanted) const {
  for (const LanguageShare& share : shares) {
    if (share.language == wanted) return share.share;
  }
  return 0;
}

std::string prose_of(std::string_view text) {
  std::string prose;
  prose.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t skip = not_prose(text.substr(at));
    if (skip != 0) {
      prose += ' ';
      at += skip;
      continue;
    }
    prose += text[at++];
  }
  return prose;
}

LanguageFinding language_of(std::string_view bytes) {
  LanguageFinding finding;
  const std::string prose = prose_of(to_valid_utf8(bytes.substr(0, kTextBytesMax)));
  finding.letters = letters_in(prose);
  CLD2::Language languages[3];
  int percents[3];
  double scores[3];
  int bytes_read = 0;
  bool reliable = false;
  const CLD2::CLDHints hints{nullptr, nullptr, CLD2::UNKNOWN_ENCODING, CLD2::UNKNOWN_LANGUAGE};
  CLD2::ExtDetectLanguageSummary(prose.data(), static_cast<int>(prose.size()), true, &hints, CLD2::kCLDFlagBestEffort,
                                 languages, percents, scores, nullptr, &bytes_read, &reliable);
  finding.sure = reliable;
  for (int i = 0; i < 3; ++i) {
    if (languages[i] == CLD2::UNKNOWN_LANGUAGE || percents[i] <= 0) continue;
    const std::string code = family(CLD2::LanguageCode(languages[i]));
    const double share = percents[i] / 100.0;
    const auto known = std::find_if(finding.shares.begin(), finding.shares.end(),
                                    [&](const LanguageShare& other) { return other.language == code; });
    if (known != finding.shares.end()) {
      known->share += share;
    } else {
      finding.shares.push_back({code, share});
    }
  }
  return finding;
}

LanguageFinding languages_of_sentences(std::string_view bytes) {
  constexpr double kLettersMin = 24;
  const std::string text = to_valid_utf8(prose_of(bytes.substr(0, kTextBytesMax)));
  LanguageFinding whole;
  for (const Sentence& sentence : sentences_of(text)) {
    const LanguageFinding part =
        language_of(std::string_view(text).substr(sentence.begin, sentence.end - sentence.begin));
    if (part.letters < kLettersMin || part.shares.empty() || !part.sure) continue;
    whole.letters += part.letters;
    const auto known = std::find_if(whole.shares.begin(), whole.shares.end(),
                                    [&](const LanguageShare& other) { return other.language == part.language(); });
    if (known != whole.shares.end()) {
      known->share += part.letters;
    } else {
      whole.shares.push_back({part.language(), part.letters});
    }
  }
  for (LanguageShare& share : whole.shares) share.share /= whole.letters;
  std::stable_sort(whole.shares.begin(), whole.shares.end(),
                   [](const auto& a, const auto& b) { return a.share > b.share; });
  if (whole.shares.size() > 3) whole.shares.resize(3);
  whole.sure = !whole.shares.empty();
  return whole;
}

Json LanguageAudit::settings() const {
  return {{"letters_min", settings_.letters_min},
          {"prompt_letters_min", settings_.prompt_letters_min},
          {"other_share", settings_.other_share},
          {"mixed_share", settings_.mixed_share}};
}

Label LanguageAudit::judge(const Answered& pair) const {
  const LanguageFinding answer = language_of(pair.text);
  if (answer.letters >= settings_.letters_min && !answer.shares.empty()) {
    const LanguageFinding prompt = language_of(pair.prompt);
    const std::string asked = prompt.language(), given = answer.language();
    const double share = answer.shares.front().share;
    const bool told = prompt.sure && prompt.letters >= settings_.prompt_letters_min && !asked.empty() &&
                      prompt.shares.front().share >= settings_.other_share;
    if (told && given != asked && share >= settings_.other_share && prompt.share_of(given) < settings_.mixed_share &&
        !translation().in(to_valid_utf8(pair.prompt)))
      return {"other_language", "asked in " + asked + ", answered in " + given + " (" + percent(share) + ")", share};
  }
  if (pair.reasoning.empty()) return {};
  for (const LanguageFinding& reasoning : {language_of(pair.reasoning), languages_of_sentences(pair.reasoning)}) {
    if (reasoning.shares.size() < 2) continue;
    const LanguageShare& second = reasoning.shares[1];
    if (second.share < settings_.mixed_share || second.share * reasoning.letters < settings_.letters_min) continue;
    return {
        "mixed_reasoning",
        "reasoning is in " + reasoning.language() + " and in " + second.language + " (" + percent(second.share) + ")",
        second.share};
  }
  return {};
}

}  // namespace retort
