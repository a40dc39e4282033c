// The sentences in which a model says who made it, as regular expressions. They are kept apart from the code that runs
// them, because they grow with every new phrase and language, and the code does not.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace retort {

struct ClaimPattern {
  std::string regex;  ///< PCRE2 with PCRE2_UTF | UCP | CASELESS; the vendor's alias is the group `v`
  /// The alias may be an ordinary name: only what follows can show that a model speaks of itself.
  bool needs_support = false;
  /// "I am X": a claim only if X is the whole of it ("I am a ChatGPT user" is none).
  bool identity = false;
};

/// All of them, for all languages. The list and its regular expressions are the same in every call.
std::vector<ClaimPattern> claim_patterns();

/// Any alias at all: what is searched first, since most answers have none.
std::string any_alias_regex();

/// Right after an ordinary name: it is a model's ("Claude, an AI assistant made by …").
extern const std::string_view kSupportRegex;
/// Right after an identity: it is somebody else's ("ChatGPT user", "Qwen's developers").
extern const std::string_view kSomebodyElseRegex;
/// Right before a claim: somebody else's words, a doubt or a denial ("if", "he claims that", "it is false that").
extern const std::string_view kReportedRegex;

}  // namespace retort
