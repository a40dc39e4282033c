#include "tests/simulation/audit.h"

#include <algorithm>
#include <cstdio>

#include "core/corpus/words.h"

namespace retort::simulation {
namespace {

std::string quoted(std::int64_t prompt) { return "q" + std::to_string(prompt); }

// Rounding, and the jitter of an estimate, never more.
constexpr double kTolerance = 1.02;
constexpr double kRequestsMore = 2;

}  // namespace

void Audit::add_process(const Promises& promises, int corpus) {
  Process process;
  process.promises = promises;
  process.corpus = corpus;
  processes_.push_back(process);
  if (static_cast<int>(corpora_.size()) <= corpus) corpora_.resize(static_cast<std::size_t>(corpus) + 1);
}

Audit::Book& Audit::book(std::int64_t prompt) { return books_[prompt]; }

void Audit::find(std::string what) {
  note("FOUND", 0, 0);
  if (keeps_text_) text_ += "      " + what + "\n";
  if (findings_.size() < 20) findings_.push_back(std::move(what));
}

void Audit::note(const char* what, int process, std::int64_t prompt, std::int64_t value) {
  const auto mix = [this](std::uint64_t word) {
    digest_ = (digest_ ^ word) * 0xbf58476d1ce4e5b9ULL;
    digest_ ^= digest_ >> 29;
  };
  mix(static_cast<std::uint64_t>(now_.ns));
  mix(static_cast<std::uint64_t>(prompt) ^ (static_cast<std::uint64_t>(process) << 56));
  mix(static_cast<std::uint64_t>(value));
  for (const char* c = what; *c != 0; ++c) mix(static_cast<std::uint64_t>(*c));
  if (!keeps_text_) return;
  char line[96];
  std::snprintf(line, sizeof line, "%14.6f  process %d  %-10s", static_cast<double>(now_.ns) * 1e-9, process, what);
  text_ += line;
  if (prompt != 0) text_ += "  " + quoted(prompt);
  if (value != 0) text_ += "  " + std::to_string(value);
  text_ += '\n';
}

// ---- at the ports of a process

void Audit::started(int process) {
  Process& self = processes_[static_cast<std::size_t>(process)];
  self.alive = true;
  self.active_at = now_;
  self.disk_failed = false;
  note("starts", process, 0);
}

void Audit::sent(int process, std::int64_t prompt, double tokens, bool stop_was_requested) {
  Process& self = processes_[static_cast<std::size_t>(process)];
  Book& its = book(prompt);
  note("sends", process, prompt);
  its.process = process;
  its.reached_teacher = false;
  if (its.begun <= 0) {
    find(quoted(prompt) + " was sent without being on record");
  } else {
    --its.begun;
  }
  if (its.answered) find(quoted(prompt) + " was asked again though its answer is on disk");
  if (its.in_hand) find(quoted(prompt) + " was asked again while its answer was in hand");
  if (stop_was_requested) find(quoted(prompt) + " was sent after a signal to stop");
  if (self.disk_failed) find(quoted(prompt) + " was sent after the disk had failed");
  if (now_ < self.silent_until) find(quoted(prompt) + " was sent while the teacher had asked for silence");
  check_limits(self, prompt, tokens);
  check_progress(self);
  its.open = true;
  ++self.open;
  std::int64_t open = self.open;
  if (self.promises.shares_pace) {
    open = 0;
    for (const Process& other : processes_) open += other.promises.shares_pace ? other.open : 0;
  }
  // Open is what is sent and not durable yet: what a power cut now would lose.
  if (open > self.promises.limits.in_flight_max) find("more was in flight than the limit allows");
}

// Those who share a pace share its windows: kept with the first of them.
Audit::Process& Audit::window_keeper(Process& process) {
  if (!process.promises.shares_pace) return process;
  return *std::find_if(processes_.begin(), processes_.end(),
                       [](const Process& other) { return other.promises.shares_pace; });
}

void Audit::check_limits(Process& self, std::int64_t prompt, double tokens) {
  Process* const keeper = &window_keeper(self);
  book(prompt).tokens = tokens;
  const Promises& promises = self.promises;
  if (promises.limits.requests_per_minute > 0) {
    keeper->requests.add(1, promises.limits.requests_per_minute * kTolerance, now_);
    if (keeper->requests.excess() > promises.request_burst * kTolerance + kRequestsMore)
      find(quoted(prompt) + " was sent beyond the limit on requests: " + std::to_string(keeper->requests.excess()) +
           " more than its rate, where " + std::to_string(promises.request_burst) + " may come at once");
  }
  if (promises.limits.tokens_per_minute > 0) {
    keeper->tokens.add(tokens, promises.limits.tokens_per_minute * kTolerance, now_);
    if (keeper->tokens.excess() > promises.token_burst)
      find(quoted(prompt) + " was sent beyond the limit on tokens: " + std::to_string(keeper->tokens.excess()) +
           " more than its rate, where " + std::to_string(promises.token_burst) + " may come at once");
  }
}

// With work there and nothing in its way, something is sent within the longest back-off, or what the limits need for
// one request, or what the disk takes.
void Audit::check_progress(Process& self) {
  const Limits& limits = self.promises.limits;
  Duration bound = self.promises.retry.backoff_cap + 10s;
  if (limits.requests_per_minute > 0) bound += from_seconds(120 / limits.requests_per_minute);
  if (limits.tokens_per_minute > 0) bound += from_seconds(60 * self.promises.token_burst / limits.tokens_per_minute);
  // The longest wish counts here, where the newest does above; and where several ask one teacher, one may have to wait
  // for the others.
  if (self.promises.limits_are_secret) bound = std::max<Duration>(bound, 1min);  // what was measured wrong
  Instant since = std::max(self.held_until, slept_until_);
  for (const Process& other : processes_) {
    since = std::max(since, other.active_at);
    // Nor does it give room away while it drains with answers in hand that its disk has no place for.
    if (other.disk_failed && other.promises.shares_pace) since = std::max(since, other.left_at);
  }
  if (self.open == 0 && now_ - since > bound)
    find("nothing was sent for " + std::to_string(seconds(now_ - since)) + " s though there was work");
  self.active_at = now_;
}

void Audit::heard(int process, const Heard& heard) {
  Process& self = processes_[static_cast<std::size_t>(process)];
  Book& its = book(heard.prompt);
  note("hears", process, heard.prompt, heard.fault == NetFault::none ? heard.status : -static_cast<int>(heard.fault));
  self.active_at = now_;
  if (!its.reached_teacher) {  // its limits know nothing of it
    window_keeper(self).requests.give_back(1);
    window_keeper(self).tokens.give_back(its.tokens);
  }
  its.last_was_free = heard.fault == NetFault::connect || (heard.fault == NetFault::none && heard.status == 429);
  if (heard.good) {
    its.in_hand = true;
  } else if (heard.fault == NetFault::timeout) {
    ++its.timeouts;
    ++its.charged;
  } else if (heard.status == 400 || heard.status == 413 || heard.status == 422) {
    its.permanent = true;
  } else if (!its.last_was_free && heard.status != 401 && heard.status != 403) {
    ++its.charged;
  }
  its.bytes += heard.bytes;
  if (heard.reset)
    self.held_until = std::max(self.held_until, now_ + std::min(*heard.reset, self.promises.retry.retry_after_cap));
  if (!heard.silence) return;
  // The newest wish counts: a later reply may ask for less.
  const Instant until = now_ + std::min(*heard.silence, self.promises.retry.retry_after_cap);
  self.told_silence_at = now_;
  for (Process& other : processes_) {
    if (&other != &self && !(self.promises.shares_pace && other.promises.shares_pace && other.alive)) continue;
    if (&other != &self) other.silence_before = other.silent_until;
    other.silent_until = until;
    other.held_until = std::max(other.held_until, until);
  }
}

void Audit::heard_bytes(int process, std::size_t bytes, std::size_t portion) {
  Process& self = processes_[static_cast<std::size_t>(process)];
  self.bytes += bytes;
  const auto one_each = static_cast<std::size_t>(std::max<std::int64_t>(1, self.open)) * portion;
  if (self.bytes > self.promises.response_bytes_max + self.promises.body_bytes_max + one_each)
    find(std::to_string(self.bytes) + " bytes of replies were in memory at once");
}

void Audit::cancelled(int process, std::int64_t prompt, std::size_t bytes) {
  note("cancels", process, prompt);
  Book& its = book(prompt);
  its.last_was_free = false;
  its.bytes += bytes;
}

void Audit::waits_for_ever(int process) {
  note("deadlock", process, 0);
  find("the harvester waits for ever with nothing under way");
}

void Audit::forget_life(int process) {
  Process& self = processes_[static_cast<std::size_t>(process)];
  for (auto& [prompt, its] : books_) {
    if (prompt / kPromptsPerCorpus == self.corpus) its.begun = 0;  // one process at a time has a corpus
    if (its.process != process) continue;
    its.open = its.in_hand = false;
    its.bytes = 0;
  }
  self.open = 0;
  self.bytes = 0;
  self.silent_until = self.silence_before = self.held_until = {};  // a new process has not heard of it
  self.alive = false;
  self.left_at = now_;
}

void Audit::died(int process) {
  note("dies", process, 0);
  // What it heard in its last moment it could tell nobody.
  if (processes_[static_cast<std::size_t>(process)].told_silence_at == now_) {
    for (Process& other : processes_) other.silent_until = std::min(other.silent_until, other.silence_before);
  }
  forget_life(process);
}

void Audit::left(int process, const HarvestReport& report, bool stored) {
  note("leaves", process, 0, report.stopped ? 1 + static_cast<int>(report.stopped->code) : 0);
  if (keeps_text_ && report.stopped) text_ += "      " + report.stopped->message + "\n";
  if (stored) {
    for (const auto& [prompt, its] : books_) {
      if (its.process == process && its.in_hand && !its.answered)
        find("the answer to " + quoted(prompt) + " was in hand and is not on disk");
    }
  }
  forget_life(process);
}

// ---- the teacher's books

void Audit::refused(std::int64_t prompt) {
  book(prompt).reached_teacher = true;
  ++refusals_;
}

void Audit::admitted(std::int64_t prompt) {
  book(prompt).reached_teacher = true;
  Process& process = owner(book(prompt));
  Corpus& corpus = corpora_[static_cast<std::size_t>(process.corpus)];
  ++corpus.admitted;
  if (process.promises.caps.requests && corpus.admitted > *process.promises.caps.requests)
    find("more requests were admitted than the cap allows: " + std::to_string(corpus.admitted));
}

void Audit::billed(std::int64_t prompt, double input, double output, Bill bill) {
  if (bill == Bill::error || bill == Bill::permanent || bill == Bill::nothing) return;
  Process& process = owner(book(prompt));
  const Promises& promises = process.promises;
  Corpus& corpus = corpora_[static_cast<std::size_t>(process.corpus)];
  corpus.tokens += input + output;
  corpus.dollars += (input * promises.price_input + output * promises.price_output) * 1e-6;
  if (promises.caps.money && corpus.dollars > promises.caps.money->dollars() + 1e-9)
    find("the teacher's bill is beyond the cap: " + std::to_string(corpus.dollars) + " dollars");
  if (promises.caps.tokens && corpus.tokens > static_cast<double>(*promises.caps.tokens))
    find("the teacher counted more tokens than the cap allows: " + std::to_string(corpus.tokens));
}

// ---- what is durable

void Audit::begun(std::int64_t prompt) {
  note("begun", 0, prompt);
  ++book(prompt).begun;
}

void Audit::released(std::int64_t prompt) { --book(prompt).begun; }

void Audit::ended(std::int64_t prompt, const AttemptEnd& end) {
  note("stored", 0, prompt, static_cast<int>(end.outcome));
  Book& its = book(prompt);
  Process& process = owner(its);
  if (its.open) --process.open;
  its.open = false;
  process.bytes -= std::min(process.bytes, its.bytes);
  its.bytes = 0;
  if (end.response && end.request_status == RequestStatus::answered) {
    its.answered = true;
    its.in_hand = false;
  }
  if (is_charged(end.outcome) && its.last_was_free) find("a refusal of " + quoted(prompt) + " burnt an attempt");
  if (end.request_status == RequestStatus::failed && end.outcome != AttemptOutcome::cancelled) {
    if (!its.permanent && its.charged < process.promises.retry.attempts_max && its.timeouts < 2)
      find(quoted(prompt) + " was given up after " + std::to_string(its.charged) + " attempts");
  }
}

}  // namespace retort::simulation
