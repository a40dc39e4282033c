// What an answered attempt left of each request that it served: usually one answer for one request, with server-side n
// several for several, and any of them may be of the wrong shape or missing.
#pragma once

#include <vector>

#include "core/harvest/attempt.h"
#include "core/harvest/harvester.h"
#include "core/harvest/tally.h"
#include "core/teacher/teacher.h"

namespace retort {

/// A request that the attempt served, and what follows for it.
struct Served {
  RowId request = 0;
  RequestStatus status = RequestStatus::pending;
  std::optional<Response> response = {};
};

struct AnswersTaken {
  std::vector<Served> served;  ///< in the order of the work's requests
  std::vector<Work> again;     ///< what is still wanted: invalid answers one by one, missing ones together
};

/// The requests of a work, its first included.
std::vector<RowId> requests_of(const Work& work);

/// Hands the choices to the work's requests, in order. Choices beyond what was asked for stay in the raw body alone.
AnswersTaken take_answers(Answer answer, Work work, const HarvestSettings& settings);

/// Keeps what came of a stream before it was cut.
void keep_partial(const Reply& reply, AttemptEnd& end);

/// Called as bytes come: notes when the first of the text is there.
void watch_first_token(Flight& flight, const Teacher& teacher, Instant now);

/// Notes in `end` what each request of the attempt is left with, and counts it. The requests that are done with.
std::vector<RowId> note_served(std::vector<Served> served, const std::string& credential, Tally& tally,
                               AttemptEnd& end);

/// How an exchange ended, and whether the whole of its reply came; `end` holds its raw body, which is redacted with it.
struct ExchangeRead {
  AttemptFacts facts;
  bool whole = false;
};
ExchangeRead read_exchange(const Flight& flight, const ResponseEnd& event, AttemptEnd& end, const Teacher& teacher,
                           const std::string& credential, WallTime wall);

/// The record of an attempt that was never sent, since it would only be refused.
AttemptEnd unsent_end(const Ready& ready, const std::string& why);

/// The record of an exchange that is given up on at `now`.
AttemptEnd cancelled_exchange(Flight& flight, Instant now, const Teacher& teacher, const std::string& credential);

}  // namespace retort
