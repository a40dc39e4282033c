// What to do after an attempt, as a pure function of how it ended and what came before.
#pragma once

#include <optional>
#include <string>

#include "core/base/instant.h"
#include "core/base/random.h"
#include "core/corpus/records.h"
#include "core/harvest/rate_signals.h"
#include "core/harvest/teacher_health.h"
#include "core/net/transport.h"
#include "core/teacher/teacher.h"

namespace retort {

struct RetrySettings {
  int attempts_max = 5;        ///< charged attempts of one request, over all runs
  Duration backoff_base = 1s;  ///< full jitter: random(0, min(cap, base * 2^n))
  Duration backoff_cap = 60s;
  Duration reconnect_cap = 10s;   ///< the same where nobody could be reached: looking again costs nobody anything
  Duration retry_after_cap = 1h;  ///< what a teacher may ask for at most; absurd waits are clamped and shown
  Duration patience = 10min;      ///< how long nothing but refusals and dead connections is borne
};

/// What came before, of this request and of the teacher as a whole.
struct AttemptHistory {
  int attempts_charged = 0;   ///< of this request, before this attempt
  int timeouts = 0;           ///< of this request, before this attempt
  int trouble_rounds = 0;     ///< of the teacher: rounds of refusals and failures since the last answer
  bool teacher_down = false;  ///< of the teacher: the circuit is open, so a failure is not this request's fault
};

/// How the exchange ended, after decoding.
struct AttemptFacts {
  NetFault fault = NetFault::none;
  std::string fault_detail;
  bool possibly_billed = true;
  Reply reply;          ///< meaningful if fault is none
  RateSignals signals;  ///
};

struct RetryVerdict {
  enum class Next {
    done,          ///< answered
    retry,         ///< the request again, not before `wait`
    give_up,       ///< the request failed for good
    stop_teacher,  ///< nothing more can be asked of this teacher; the request stays pending
  };
  Next next = Next::done;
  Trouble trouble = Trouble::none;
  AttemptOutcome outcome = AttemptOutcome::answered;
  std::string word;              ///< error word for the corpus; empty if answered
  std::string detail;            ///< one line for people
  Duration wait{};               ///< before the request may be asked again
  std::optional<Duration> hold;  ///< the whole teacher is to be left alone for so long
  std::string hold_reason;
  bool possibly_billed = false;
  Errc stop = Errc::refused;  ///< with stop_teacher: refused or quota
};

/// In this folder a verdict is one on an attempt; graders have theirs on an answer.
using Verdict = RetryVerdict;

Verdict judge(const AttemptFacts& facts, const AttemptHistory& history, const RetrySettings& settings, Random& random);

/// random(0, min(cap, base * 2^n)), "full jitter" as in M. Brooker, "Exponential Backoff And Jitter", AWS 2015.
Duration full_jitter(const RetrySettings& settings, int n, Random& random);

}  // namespace retort
