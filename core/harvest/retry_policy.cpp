#include "core/harvest/retry_policy.h"

#include <algorithm>
#include <cmath>
#include <initializer_list>

namespace retort {
namespace {

const char* word_of(NetFault fault) {
  switch (fault) {
    case NetFault::none:
      return "";
    case NetFault::resolve:
      return "resolve";
    case NetFault::connect:
      return "connect";
    case NetFault::tls:
      return "tls";
    case NetFault::timeout:
      return "timeout";
    case NetFault::broken:
      return "broken";
    case NetFault::too_large:
      return "too_large";
    case NetFault::local:
      return "local";
  }
  return "";
}

Verdict free_retry(Verdict verdict, std::optional<Duration> asked, std::string reason, const AttemptHistory& history,
                   const RetrySettings& settings, Random& random);

Verdict charged_retry(Verdict verdict, const AttemptHistory& history, const RetrySettings& settings, Random& random) {
  if (history.teacher_down) {
    const std::string reason =
        "the teacher fails (" + verdict.word + "), one request at a time finds out when it is back";
    return free_retry(std::move(verdict), {}, reason, history, settings, random);
  }
  const int charged = history.attempts_charged + 1;
  if (charged >= settings.attempts_max) {
    verdict.next = Verdict::Next::give_up;
  } else {
    verdict.next = Verdict::Next::retry;
    verdict.wait = full_jitter(settings, charged, random);
  }
  return verdict;
}

// A wish that is kept and followed by another refusal, and so on, is not what it takes: after so many the pause is our own.
constexpr int kWishesTaken = 2;

// The request never started or was turned away: it costs no attempt, and the whole teacher gets a pause.
Verdict free_retry(Verdict verdict, std::optional<Duration> asked, std::string reason, const AttemptHistory& history,
                   const RetrySettings& settings, Random& random) {
  verdict.next = Verdict::Next::retry;
  verdict.outcome = AttemptOutcome::refused;
  verdict.hold = asked ? std::min(*asked, settings.retry_after_cap) : Duration::zero();
  if (!asked || history.trouble_rounds > kWishesTaken) {
    const Duration own = std::max<Duration>(100ms, full_jitter(settings, history.trouble_rounds, random));
    verdict.hold = std::max(*verdict.hold, own);
  }
  if (asked && *asked > settings.retry_after_cap) reason += " (clamped)";
  verdict.hold_reason = std::move(reason);
  return verdict;
}

Verdict judge_fault(const AttemptFacts& facts, const AttemptHistory& history, const RetrySettings& settings,
                    Random& random) {
  Verdict verdict;
  verdict.outcome = AttemptOutcome::network;
  verdict.word = word_of(facts.fault);
  verdict.detail = facts.fault_detail;
  verdict.possibly_billed = facts.possibly_billed;
  verdict.trouble = Trouble::failing;
  switch (facts.fault) {
    case NetFault::resolve:
    case NetFault::connect:
    case NetFault::tls:
    case NetFault::local: {
      RetrySettings soon = settings;
      verdict.trouble = Trouble::unreachable;
      soon.backoff_cap = std::min(settings.backoff_cap, settings.reconnect_cap);
      return free_retry(verdict, {}, facts.fault_detail, history, soon, random);
    }
    case NetFault::too_large:
      verdict.trouble = Trouble::none;  // it answers, if too much
      return charged_retry(verdict, history, settings, random);
    case NetFault::timeout:
      verdict.outcome = AttemptOutcome::timed_out;
      if (history.timeouts >= 1 && !history.teacher_down) {
        verdict.next = Verdict::Next::give_up;  // it may have been billed each time
        return verdict;
      }
      return charged_retry(verdict, history, settings, random);
    default:
      return charged_retry(verdict, history, settings, random);
  }
}

// The first that says anything: no time at all, or one in the past, is as good as none.
std::optional<Duration> stated_pause(std::initializer_list<std::optional<Duration>> wishes) {
  for (const std::optional<Duration>& wish : wishes)
    if (wish > Duration::zero()) return wish;
  return {};
}

Verdict judge_rejection(const Rejection& rejection, const RateSignals& signals, const AttemptHistory& history,
                        const RetrySettings& settings, Random& random) {
  Verdict verdict;
  verdict.outcome = AttemptOutcome::failed;
  verdict.word = rejection.word;
  verdict.detail = rejection.detail;
  switch (rejection.kind) {
    case Rejection::Kind::rate_limited: {
      verdict.trouble = Trouble::refusal;
      const auto asked = stated_pause({signals.retry_after, rejection.retry_after, signals.reset});
      return free_retry(verdict, asked, asked ? "the teacher asked for a pause (429)" : "429 without a Retry-After",
                        history, settings, random);
    }
    case Rejection::Kind::quota:
    case Rejection::Kind::refused_us:
      verdict.next = Verdict::Next::stop_teacher;
      verdict.outcome = AttemptOutcome::refused;
      verdict.stop = rejection.kind == Rejection::Kind::quota ? Errc::quota : Errc::refused;
      return verdict;
    case Rejection::Kind::permanent:
      verdict.next = Verdict::Next::give_up;
      return verdict;
    case Rejection::Kind::transient:
      break;
  }
  verdict.trouble = Trouble::failing;
  verdict = charged_retry(verdict, history, settings, random);
  if (const auto asked = stated_pause({signals.retry_after})) {
    verdict.hold = std::max(verdict.hold.value_or(Duration::zero()), std::min(*asked, settings.retry_after_cap));
    verdict.hold_reason = "the teacher asked for a pause (" + rejection.word + ")";
  }
  return verdict;
}

}  // namespace

Duration full_jitter(const RetrySettings& settings, int n, Random& random) {
  const double most =
      std::min(seconds(settings.backoff_cap), seconds(settings.backoff_base) * std::exp2(std::clamp(n, 0, 40)));
  return random.jitter(from_seconds(most));
}

Verdict judge(const AttemptFacts& facts, const AttemptHistory& history, const RetrySettings& settings, Random& random) {
  if (facts.fault != NetFault::none) return judge_fault(facts, history, settings, random);
  if (const auto* rejection = std::get_if<Rejection>(&facts.reply)) {
    return judge_rejection(*rejection, facts.signals, history, settings, random);
  }
  return Verdict{};
}

}  // namespace retort
