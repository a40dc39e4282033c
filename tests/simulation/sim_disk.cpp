#include "tests/simulation/sim_disk.h"

#include <utility>

#include "core/corpus/words.h"

namespace retort::simulation {

void Disk::recover() {
  for (Attempt& attempt : attempts) {
    if (attempt.outcome != AttemptOutcome::unsent && attempt.outcome != AttemptOutcome::sent) continue;
    attempt.outcome = AttemptOutcome::delivery_unknown;
    ++delivery_unknown;
  }
}

RequestState Disk::look_up(const RequestSpec& spec) {
  const auto [found, is_new] = by_digest.emplace(spec.digest, static_cast<RowId>(requests.size() + 1));
  if (is_new) {
    Request request;
    request.digest = spec.digest;
    request.prompt = spec.prompt.messages.back()["content"].get<std::string>();
    by_prompt[request.prompt] = found->second;
    requests.push_back(request);
  }
  const Request& request = requests[static_cast<std::size_t>(found->second - 1)];
  return {found->second, request.status, request.truncated, request.attempts_charged, request.timeouts, is_new};
}

void Disk::end(const AttemptEnd& end) {
  attempts[static_cast<std::size_t>(end.attempt - 1)].outcome = end.outcome;
  Request& request = requests[static_cast<std::size_t>(end.request - 1)];
  request.status = end.request_status;
  open.erase(request.prompt);
  request.attempts_charged += is_charged(end.outcome) ? 1 : 0;
  request.timeouts += end.outcome == AttemptOutcome::timed_out ? 1 : 0;
  if (end.response) {
    ++request.answers;
    request.answer = end.response->text;
    request.truncated = end.response->finish == Finish::length;
  }
}

std::optional<LogEvent> Disk::apply(const LogEntry& entry) {
  if (const auto* lookup = std::get_if<Register>(&entry)) {
    Registered result;
    for (const RequestSpec& spec : lookup->requests) result.states.push_back(look_up(spec));
    return result;
  }
  if (const auto* begin = std::get_if<Begin>(&entry)) {
    Begun result;
    for (const AttemptStart& start : begin->attempts) {
      attempts.push_back({start.request, AttemptOutcome::unsent});
      ++requests[static_cast<std::size_t>(start.request - 1)].begun;
      result.attempts.push_back(static_cast<RowId>(attempts.size()));
    }
    return result;
  }
  if (const auto* sent = std::get_if<MarkSent>(&entry)) {
    for (const RowId id : sent->attempts) attempts[static_cast<std::size_t>(id - 1)].outcome = AttemptOutcome::sent;
    return {};
  }
  if (const auto* release = std::get_if<Release>(&entry)) {
    // Deleted in a real corpus; here an end of its own, so that row ids stay dense.
    for (const RowId id : release->attempts)
      attempts[static_cast<std::size_t>(id - 1)].outcome = AttemptOutcome::cancelled;
    return {};
  }
  Ended result;
  for (const AttemptEnd& ending : std::get<End>(entry).attempts) {
    end(ending);
    result.attempts.push_back(ending.attempt);
  }
  return result;
}

SimLog::SimLog(Disk& disk, SimLogSettings settings, Random& random, Schedule schedule, std::function<void()> wake,
               std::function<void()> may_lose_power)
    : disk_(disk),
      settings_(settings),
      random_(random),
      schedule_(std::move(schedule)),
      wake_(std::move(wake)),
      may_lose_power_(std::move(may_lose_power)) {}

void SimLog::submit(LogEntry entry) {
  may_lose_power_();
  if (settings_.begun_before_durable && std::holds_alternative<Begin>(entry)) {
    Disk imagined = disk_;  // says yes, with the ids that will come, before anything is stored
    completed_.push_back(*imagined.apply(entry));
    wake_();
    return;
  }
  if (settings_.forget_answers && std::holds_alternative<End>(entry)) {
    for (AttemptEnd& end : std::get<End>(entry).attempts) {
      end.response.reset();
      end.request_status = RequestStatus::pending;
    }
  }
  queued_.push_back(std::move(entry));
  if (!sync_runs_ && !failed_) start_sync();
}

void SimLog::start_sync() {
  sync_runs_ = true;
  syncing_.insert(syncing_.end(), std::make_move_iterator(queued_.begin()), std::make_move_iterator(queued_.end()));
  queued_.clear();
  schedule_(settings_.sync_latency + random_.jitter(settings_.sync_latency), [this] { finish_sync(); });
}

void SimLog::finish_sync() {
  sync_runs_ = false;
  if (random_.chance(settings_.full_disk_probability)) {
    failed_ = true;
    completed_.push_back(LogFailed{{Errc::disk, "disk full"}, true});
  } else {
    for (const LogEntry& entry : syncing_) {
      if (auto event = disk_.apply(entry)) completed_.push_back(std::move(*event));
    }
    syncing_.clear();
    if (!queued_.empty()) start_sync();
  }
  wake_();
}

std::vector<LogEvent> SimLog::completions() {
  may_lose_power_();
  return std::exchange(completed_, {});
}

void SimLog::retry() {
  failed_ = false;
  if (!sync_runs_) start_sync();
}

Result<void> SimLog::close(const RunEnd&) {
  for (auto* entries : {&syncing_, &queued_}) {
    for (const LogEntry& entry : *entries) disk_.apply(entry);
    entries->clear();
  }
  return {};
}

}  // namespace retort::simulation
