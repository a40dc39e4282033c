#include "tests/simulation/sim_disk.h"

#include <iterator>
#include <utility>

#include "core/corpus/words.h"

namespace retort::simulation {
namespace {
std::size_t index_of(RowId id) { return static_cast<std::size_t>(id - 1); }
}  // namespace

void Disk::recover() {
  for (; recovered_ < attempts_.size(); ++recovered_) {
    Attempt& attempt = attempts_[recovered_];
    if (attempt.outcome != AttemptOutcome::unsent && attempt.outcome != AttemptOutcome::sent) continue;
    attempt.outcome = AttemptOutcome::delivery_unknown;
    count_unanswered(attempt);
  }
}

void Disk::count_unanswered(const Attempt& attempt) {
  ++spent_.requests;
  spent_.tokens += attempt.reserved.total();
  spent_.money += attempt.reserved.money;
}

RequestState Disk::look_up(const RequestSpec& spec) {
  const auto [found, is_new] = by_digest_.emplace(spec.digest, static_cast<RowId>(requests_.size() + 1));
  if (is_new) {
    Request request;
    request.prompt = spec.prompt.row;
    requests_.push_back(std::move(request));
  }
  const Request& request = requests_[index_of(found->second)];
  return {found->second, request.status, request.truncated, request.attempts_charged, request.timeouts, is_new};
}

void Disk::end(AttemptEnd& end) {
  audit_.ended(requests_[index_of(end.request)].prompt, end);
  Attempt& attempt = attempts_[index_of(end.attempt)];
  attempt.outcome = end.outcome;
  Request& request = requests_[index_of(end.request)];
  request.status = end.request_status;
  const bool answered = end.response && end.response->is_answer();
  request.attempts_charged += is_charged(end.outcome) ? 1 : 0;
  request.timeouts += end.outcome == AttemptOutcome::timed_out ? 1 : 0;
  if (answered) {
    ++request.answers;
    request.answer = std::move(end.response->text);
    request.truncated = end.response->finish == Finish::length;
    ++spent_.requests;
    spent_.tokens += end.response->usage.input.value_or(0) + end.response->usage.output.value_or(0);
    spent_.money += end.cost;
  } else if (end.possibly_billed) {
    count_unanswered(attempt);
  } else if (end.outcome != AttemptOutcome::refused || (end.http_status != 0 && end.http_status != 429)) {
    ++spent_.requests;
  }
}

std::optional<LogEvent> Disk::apply(LogEntry& entry) {
  if (auto* lookup = std::get_if<Register>(&entry)) {
    Registered result;
    result.states.reserve(lookup->requests.size());
    for (const RequestSpec& spec : lookup->requests) result.states.push_back(look_up(spec));
    result.requests = std::move(lookup->requests);
    return result;
  }
  if (const auto* begin = std::get_if<Begin>(&entry)) {
    Begun result;
    for (const AttemptStart& start : begin->attempts) {
      attempts_.push_back({start.request, AttemptOutcome::unsent, start.reserved});
      result.attempts.push_back(static_cast<RowId>(attempts_.size()));
      audit_.begun(requests_[index_of(start.request)].prompt);
    }
    return result;
  }
  if (const auto* sent = std::get_if<MarkSent>(&entry)) {
    for (const RowId id : sent->attempts) attempts_[index_of(id)].outcome = AttemptOutcome::sent;
    return {};
  }
  if (const auto* release = std::get_if<Release>(&entry)) {
    // Deleted in a real corpus; here an end of its own, so that row ids stay dense.
    for (const RowId id : release->attempts) {
      attempts_[index_of(id)].outcome = AttemptOutcome::cancelled;
      audit_.released(requests_[index_of(attempts_[index_of(id)].request)].prompt);
    }
    return {};
  }
  Ended result;
  for (AttemptEnd& ending : std::get<End>(entry).attempts) {
    end(ending);
    result.attempts.push_back(ending.attempt);
  }
  return result;
}

void SimLog::submit(LogEntry entry) {
  queued_.push_back(std::move(entry));
  if (!sync_runs_ && !failed_) start_sync();
}

void SimLog::start_sync() {
  sync_runs_ = true;
  syncing_.insert(syncing_.end(), std::make_move_iterator(queued_.begin()), std::make_move_iterator(queued_.end()));
  queued_.clear();
  host_.start_sync(settings_.sync_latency + random_.jitter(settings_.sync_latency));
}

void SimLog::finish_sync() {
  sync_runs_ = false;
  if (random_.chance(settings_.failing)) {
    if (random_.chance(0.5)) commit();
    completed_.clear();
    dead_ = true;
    fail(false);
  } else if (host_.log_now() < full_until_ || random_.chance(settings_.full)) {
    if (host_.log_now() >= full_until_) full_until_ = host_.log_now() + random_.jitter(settings_.full_for);
    fail(true);
  } else {
    commit();
    if (!queued_.empty()) start_sync();
  }
  host_.log_has_news();
}

void SimLog::fail(bool retryable) {
  failed_ = true;
  completed_.push_back(LogFailed{{Errc::disk, retryable ? "disk full" : "sync failed"}, retryable});
}

void SimLog::commit() {
  for (LogEntry& entry : syncing_) {
    if (auto event = disk_.apply(entry)) completed_.push_back(std::move(*event));
  }
  syncing_.clear();
}

std::vector<LogEvent> SimLog::completions() { return std::exchange(completed_, {}); }

void SimLog::retry() {
  if (dead_) {
    retried_in_vain_ = true;
    return;
  }
  failed_ = false;
  if (!sync_runs_) start_sync();
}

Result<void> SimLog::close(const RunEnd&) {
  if (failed_) return retort::fail(Errc::disk, "disk full or failing");
  commit();
  std::swap(syncing_, queued_);
  commit();
  return {};
}

void SimLog::crash() {
  if (sync_runs_ && random_.chance(0.5)) commit();
}

}  // namespace retort::simulation
