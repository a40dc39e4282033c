#include "core/harvest/teacher_watch.h"

#include <algorithm>

namespace retort {
namespace {

constexpr Duration kWaitWorthTelling = 10s;
constexpr Duration kTellAgain = 30s;

}  // namespace

std::optional<Error> TeacherWatch::heard(const AttemptFacts& facts, const Verdict& verdict, const Permit& permit,
                                         Instant sent, Instant now) {
  if (verdict.trouble == Trouble::none) {
    if (verdict.next != Verdict::Next::stop_teacher) health_.alive();
    return {};
  }
  const bool was_down = health_.down();
  const std::string reason =
      verdict.hold_reason.empty() ? "the teacher fails (" + verdict.word + ")" : verdict.hold_reason;
  // A refusal now and then is no news, nor is a server that comes and goes; a long wait is told below.
  const bool begins = health_.trouble(verdict.trouble, sent, now);
  if (begins && verdict.trouble != Trouble::refusal && now >= tell_again_) {
    observer_.notice("no answers: " + reason + "; trying again");
    tell_again_ = now + kTellAgain;
  }
  if (health_.down()) {
    limiter_.concurrency().probe_only();
    if (!was_down && !verdict.hold) limiter_.hold(now + full_jitter(settings_, health_.rounds(), random_), reason);
  }
  if (verdict.trouble == Trouble::refusal) {
    const auto& rejection = std::get<Rejection>(facts.reply);
    ++stats_.rate_limited;
    limiter_.refused(permit, facts.signals, rejection.limit, verdict.hold.value_or(Duration{}), now);
    if (rejection.slow_down) limiter_.concurrency().probe_only();
  }
  if (verdict.hold) hold(*verdict.hold, verdict.hold_reason, verdict.trouble == Trouble::refusal, now);
  return beyond_patience(reason, now);
}

std::optional<Error> TeacherWatch::not_ready(const std::string& why, Instant now) {
  if (health_.trouble(Trouble::unreachable, now, now)) observer_.notice(why + "; waiting for it");
  return beyond_patience(why, now);
}

void TeacherWatch::hold(Duration pause, const std::string& reason, bool asked, Instant now) {
  const bool news = now + pause > std::max(now, limiter_.held_until()) + 1s;
  limiter_.hold(now + pause, reason);
  if (!news) return;
  if (asked) health_.asked_to_wait(pause);
  if (pause >= kWaitWorthTelling) {
    observer_.notice("waiting " + std::to_string(std::chrono::duration_cast<std::chrono::seconds>(pause).count()) +
                     " s: " + reason);
  }
}

std::optional<Error> TeacherWatch::beyond_patience(const std::string& reason, Instant now) const {
  const std::optional<Duration> patience = health_.beyond_patience(now);
  if (!patience) return {};
  return Error{Errc::refused, "no answer from the teacher for " + std::to_string(static_cast<int>(seconds(*patience))) +
                                  " s (" + reason + "); what is missing stays pending: run the same command again"};
}

}  // namespace retort
