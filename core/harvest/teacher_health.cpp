#include "core/harvest/teacher_health.h"

#include <algorithm>

namespace retort {
namespace {
// So many failures in a row, with no answer between, are the teacher's and not the requests'. More than one request's
// bound on attempts, so that a single poisonous prompt does not open the circuit.
constexpr int kFailuresOpen = 10;
constexpr Duration kPatienceBeforeFirstAnswer = 30s;
}  // namespace

void TeacherHealth::alive() {
  reached_ = true;
  down_ = false;
  failures_in_row_ = 0;
  rounds_ = 0;
  since_.reset();
}

bool TeacherHealth::trouble(Trouble kind, Instant sent, Instant now) {
  if (kind == Trouble::failing) {
    reached_ = true;
    if (++failures_in_row_ < kFailuresOpen) return false;
  }
  if (kind != Trouble::refusal) down_ = true;
  const bool begins = !since_;
  // Requests that were under way together are one round of trouble, not many.
  if (begins || sent >= last_) {
    if (begins) since_ = now;
    ++rounds_;
    last_ = now;
  }
  return begins;
}

void TeacherHealth::asked_to_wait(Duration pause) {
  if (since_) *since_ = *since_ + pause;
}

std::optional<Duration> TeacherHealth::beyond_patience(Instant now) const {
  const Duration patience = reached_ ? patience_ : std::min<Duration>(patience_, kPatienceBeforeFirstAnswer);
  if (!since_ || now - *since_ <= patience) return {};
  return patience;
}

}  // namespace retort
