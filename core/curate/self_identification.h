// Does an answer say who made the model that gave it? "I was trained by OpenAI" in answers that a profile calls
// another vendor's is evidence that the profile is wrong, or that the teacher learned from somebody else's answers.
// Only what is said in the first person counts: an answer about OpenAI, a quotation or a denial is no claim.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "core/corpus/records.h"

namespace retort {

struct SelfIdentification {
  std::string vendor;              ///< as core/curate/vendors.h spells it
  std::string span;                ///< the words that say so, on one line, at most 120 bytes
  std::size_t begin = 0, end = 0;  ///< where, in bytes of the text (after repair, if it was no valid UTF-8)
};

/// Every claim in a text, at most one a vendor, in the order of the text. Any bytes will do; time grows with the text
/// alone. Safe from any thread; the first call compiles the patterns (some tens of milliseconds).
std::vector<SelfIdentification> self_identifications(std::string_view text);

/// Those of the answer's text and reasoning.
std::vector<SelfIdentification> self_identifications(const Response& answer);

}  // namespace retort
