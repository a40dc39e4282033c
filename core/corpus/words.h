// The words that the corpus, the reports and JSON output use for what the records call by enumerators.
#pragma once

#include <string_view>

#include "core/corpus/records.h"

namespace retort {

std::string_view word(RequestStatus status);
std::string_view word(AttemptOutcome outcome);
std::string_view word(Finish finish);

/// An unknown word (a corpus edited by hand) is `pending`: the question is then asked again rather than lost.
RequestStatus request_status_of(std::string_view word);
/// An unknown word is `other`.
Finish finish_of(std::string_view word);

/// Whether an attempt that ended so counts against the bound on attempts: refusals and what we gave up on do not.
constexpr bool is_charged(AttemptOutcome outcome) {
  return outcome == AttemptOutcome::failed || outcome == AttemptOutcome::network ||
         outcome == AttemptOutcome::timed_out;
}

}  // namespace retort
