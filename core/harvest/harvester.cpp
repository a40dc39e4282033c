#include "core/harvest/harvester.h"

#include <algorithm>
#include <deque>
#include <map>
#include <unordered_map>

#include "core/base/text.h"
#include "core/corpus/words.h"
#include "core/harvest/planner.h"

namespace retort {
namespace {

constexpr int kBeginAheadMin = 2;
constexpr int kBeginAheadMax = 512;
constexpr Duration kDiskRetryInterval = 1s;
constexpr Duration kWaitWorthTelling = 10s;

// Begun ahead of permits, so that a permit never waits for the disk; no further ahead than a second's worth, since a
// crash must count what was begun as possibly sent.
int begin_ahead(const Limits& limits) {
  double ahead = limits.in_flight_max;
  if (limits.requests_per_minute > 0) ahead = std::min(ahead, limits.requests_per_minute / 60);
  return std::clamp(static_cast<int>(ahead), kBeginAheadMin, kBeginAheadMax);
}

bool worth_keeping(const std::string& header) {
  return header.find("ratelimit") != std::string::npos || header.find("request-id") != std::string::npos ||
         header.rfind("retry-after", 0) == 0 || header == "x-should-retry" || header == "date" || header == "server" ||
         header == "openai-processing-ms";
}

}  // namespace

class Harvester::Loop {
 public:
  Loop(const Clock& clock, Transport& transport, HarvestLog& log, PromptFeed& prompts, const Teacher& teacher,
       HarvestSettings settings, HarvestObserver& observer)
      : clock_(clock),
        transport_(transport),
        log_(log),
        prompts_(prompts),
        teacher_(teacher),
        settings_(std::move(settings)),
        observer_(observer),
        random_(settings_.seed),
        limiter_(settings_.limits, clock.now()),
        planner_(settings_, stats_),
        ahead_max_(begin_ahead(settings_.limits)),
        now_(clock.now()) {}

  std::optional<Instant> turn(std::span<NetEvent> events, bool stop_requested) {
    now_ = clock_.now();
    for (NetEvent& event : events) std::visit([this](auto& e) { on(e); }, event);
    for (LogEvent& event : log_.completions()) std::visit([this](auto& e) { on(e); }, event);
    if (stop_requested && !stopped_) stop({Errc::interrupted, "stopped by a signal"});
    if (!stopped_) {
      read_prompts();
      begin_ahead_of_permits();
      send_what_is_permitted();
    } else {
      wind_up();
    }
    if (finished()) return {};
    return std::min(observer_.progress(snapshot(), now_), next_deadline());
  }

  HarvestReport report() {
    for (auto& [attempt, ending] : endings_) limiter_.settle(std::move(ending.permit), ending.actual);  // a dead disk's
    endings_.clear();
    observer_.progress(snapshot(), now_);
    return {snapshot(), stopped_};
  }

 private:
  /// On record as `unsent`, waiting for a permit.
  struct Ready {
    RowId attempt;
    Work work;
  };
  /// On the wire.
  struct Flight {
    RowId attempt;
    Work work;
    Permit permit;
    Cost estimate;
    Instant sent;
    WallTime sent_wall;
    HttpHead head;
    std::string body;
  };
  /// Ended, not yet durable. It keeps its permit: a slot is free again only when its answer is on disk, so that a
  /// crash can never lose more answers than fit in flight, and a slow disk slows the sending.
  struct Ending {
    RowId request;
    bool final;
    Permit permit;
    std::optional<Cost> actual;
  };

  // ---- from prompts to the wire

  void read_prompts() {
    while (!stats_.all_read && planner_.has_room()) {
      FeedEvent event = prompts_.poll();
      if (auto* row = std::get_if<PromptRow>(&event)) {
        planner_.add_row(std::move(*row));
      } else if (const auto* bad = std::get_if<BadRow>(&event)) {
        on_bad_row(*bad);
        if (stopped_) return;
      } else {
        stats_.all_read = std::holds_alternative<EndOfPrompts>(event);
        break;
      }
    }
    stats_.fraction_read = prompts_.fraction_read();
    while (auto lookup = planner_.next_lookup(stats_.all_read)) log_.submit(std::move(*lookup));
  }

  void on_bad_row(const BadRow& bad) {
    ++stats_.bad_rows;
    const std::string line = bad.source + ":" + std::to_string(bad.row) + ": " + bad.problem;
    if (settings_.skip_bad_rows) {
      constexpr std::int64_t kToldAtMost = 10;
      if (stats_.bad_rows <= kToldAtMost) observer_.notice(line + " (skipped)");
    } else {
      stop({Errc::usage, line + ". Mend the row, or skip such rows with --skip-bad-rows"});
    }
  }

  int room_to_begin() const { return ahead_max_ - static_cast<int>(ready_.size() + beginning_count_); }

  void begin_ahead_of_permits() {
    std::vector<Work> batch;
    Begin entry;
    const int room = room_to_begin();
    while (static_cast<int>(batch.size()) < room) {
      std::optional<Work> work = planner_.take(now_);
      if (!work) break;
      entry.attempts.push_back({work->request, work->question.max_tokens, teacher_.estimate(work->question)});
      batch.push_back(std::move(*work));
    }
    if (batch.empty()) return;
    beginning_count_ += batch.size();
    beginning_.push_back(std::move(batch));
    log_.submit(std::move(entry));
  }

  void send_what_is_permitted() {
    MarkSent sent{{}, clock_.wall()};
    permit_at_ = Instant::never();
    while (!ready_.empty()) {
      const Cost estimate = teacher_.estimate(ready_.front().work.question);
      auto admission = limiter_.acquire(estimate, now_);
      if (const auto* later = std::get_if<Instant>(&admission)) {
        permit_at_ = *later;
        break;
      }
      Ready ready = std::move(ready_.front());
      ready_.pop_front();
      sent.attempts.push_back(ready.attempt);
      send(std::move(ready), std::move(std::get<Permit>(admission)), estimate, sent.at);
    }
    if (!sent.attempts.empty()) log_.submit(std::move(sent));
  }

  void send(Ready ready, Permit permit, Cost estimate, WallTime wall) {
    HttpRequest request = teacher_.encode(ready.work.question);
    if (!settings_.credential.empty()) request.headers.push_back(teacher_.credential_header(settings_.credential));
    request.connect_timeout = settings_.connect_timeout;
    request.total_timeout = settings_.total_timeout;
    request.body_bytes_max = settings_.body_bytes_max;
    ++stats_.attempts;
    if (ready.work.tried || ready.work.attempts_charged > 0) ++stats_.retries;
    ready.work.tried = true;
    const ExchangeId id{++last_exchange_};
    flights_.emplace(id.value,
                     Flight{ready.attempt, std::move(ready.work), std::move(permit), estimate, now_, wall, {}, {}});
    transport_.submit(id, std::move(request));
  }

  // ---- what comes back from the wire

  void on(ResponseHead& event) {
    if (const auto flight = flights_.find(event.id.value); flight != flights_.end())
      flight->second.head = std::move(event.head);
  }
  void on(ResponseBytes& event) {
    if (const auto flight = flights_.find(event.id.value); flight != flights_.end()) flight->second.body += event.bytes;
  }
  void on(Woken&) {}

  void on(ResponseEnd& event) {
    const auto found = flights_.find(event.id.value);
    if (found == flights_.end()) return;
    Flight flight = std::move(found->second);
    flights_.erase(found);

    AttemptEnd end = describe(flight, event);
    AttemptFacts facts;
    facts.fault = event.fault;
    facts.fault_detail = redacted(on_one_line(event.detail), settings_.credential);
    facts.possibly_billed = event.possibly_billed;
    if (event.fault == NetFault::none) {
      // Redacted before it is read: what is decoded is what is stored.
      facts.reply = teacher_.decode(flight.head, end.raw_body);
      facts.signals = read_rate_signals(flight.head, clock_.wall());
    }
    const AttemptHistory history{flight.work.attempts_charged, flight.work.timeouts, trouble_rounds_};
    const Verdict verdict = judge(facts, history, settings_.retry, random_);
    std::optional<Cost> actual;
    if (auto* response = std::get_if<Response>(&facts.reply); response && event.fault == NetFault::none) {
      actual = teacher_.invoice(response->usage, flight.estimate);
      end.cost = actual->money;
      end.response = std::move(*response);
      count_answer(*end.response, *actual);
    } else if (verdict.outcome == AttemptOutcome::refused && !verdict.possibly_billed) {
      actual = Cost{};
    }
    endings_.emplace(flight.attempt, Ending{flight.work.request, verdict.next != Verdict::Next::retry,
                                            std::move(flight.permit), actual});
    watch_teacher(verdict, flight.sent, event.fault == NetFault::none && verdict.outcome != AttemptOutcome::refused);
    conclude(std::move(flight.work), std::move(end), verdict,
             event.fault == NetFault::none && flight.head.status == 200);
  }

  AttemptEnd describe(Flight& flight, const ResponseEnd& event) const {
    AttemptEnd end;
    end.attempt = flight.attempt;
    end.request = flight.work.request;
    end.http_status = flight.head.status;
    end.sent_at = flight.sent_wall;
    end.first_byte = event.timing.first_byte;
    end.total = event.timing.total;
    Json kept = Json::object();
    for (const auto& [name, value] : flight.head.headers) {
      if (worth_keeping(name)) kept[name] = redacted(to_valid_utf8(value), settings_.credential);
    }
    end.headers = std::move(kept);
    end.raw_body = redacted(std::move(flight.body), settings_.credential);
    return end;
  }

  void count_answer(const Response& response, const Cost& cost) {
    stats_.used.input += cost.input;
    stats_.used.output += cost.output;
    stats_.used.money += cost.money;
    if (response.finish == Finish::length) ++stats_.truncated;
    if (response.finish == Finish::refusal || response.finish == Finish::content_filter) ++stats_.refusals;
  }

  /// Trouble of the whole teacher: silence where it asks for it, and an end when nothing else has come for too long.
  void watch_teacher(const Verdict& verdict, Instant sent, bool sign_of_life) {
    if (verdict.word == "http_429") {
      ++stats_.rate_limited;
      limiter_.refused(sent, now_);
    }
    if (verdict.next == Verdict::Next::done) limiter_.answered();
    if (sign_of_life) {
      trouble_rounds_ = 0;
      trouble_since_.reset();
      reached_ = true;
    } else if (verdict.hold && (!trouble_since_ || sent >= last_trouble_)) {
      // Requests that were under way together are one refusal, not many.
      if (!trouble_since_) {
        trouble_since_ = now_;
        observer_.notice("no answers: " + verdict.hold_reason + "; trying again");
      }
      ++trouble_rounds_;
      last_trouble_ = now_;
    }
    if (verdict.hold) {
      const bool news = now_ + *verdict.hold > std::max(now_, limiter_.held_until()) + 1s;
      limiter_.hold(now_ + *verdict.hold, verdict.hold_reason);
      if (news && *verdict.hold >= kWaitWorthTelling) {
        observer_.notice("waiting " +
                         std::to_string(std::chrono::duration_cast<std::chrono::seconds>(*verdict.hold).count()) +
                         " s: " + verdict.hold_reason);
      }
      if (news && verdict.word == "http_429" && trouble_since_) *trouble_since_ = *trouble_since_ + *verdict.hold;
    }
    constexpr Duration kPatienceBeforeFirstReply = 30s;
    const Duration patience =
        reached_ ? settings_.retry.patience : std::min<Duration>(settings_.retry.patience, kPatienceBeforeFirstReply);
    if (!stopped_ && trouble_since_ && now_ - *trouble_since_ > patience) {
      stop({Errc::refused, "no answer from the teacher for " + std::to_string(static_cast<int>(seconds(patience))) +
                               " s (" + verdict.hold_reason +
                               "); what is missing stays pending: run the same command again"});
    }
  }

  void conclude(Work work, AttemptEnd end, const Verdict& verdict, bool status_200) {
    end.outcome = verdict.outcome;
    end.error = verdict.word;
    end.error_detail = redacted(verdict.detail, settings_.credential);
    end.possibly_billed = !end.response && (verdict.possibly_billed || status_200);
    if (end.possibly_billed) ++stats_.possibly_billed;
    if (is_charged(verdict.outcome)) ++work.attempts_charged;
    if (verdict.outcome == AttemptOutcome::timed_out) ++work.timeouts;
    if (!verdict.word.empty())
      stats_.last_failure = verdict.word + (verdict.detail.empty() ? "" : ": " + end.error_detail);

    using Next = Verdict::Next;
    if (verdict.next == Next::done) {
      end.request_status = RequestStatus::answered;
      ++stats_.answered;
    } else if (verdict.next == Next::give_up) {
      end.request_status = RequestStatus::failed;
      ++stats_.failed;
      ++failures_[verdict.word];
    } else if (verdict.next == Next::retry) {
      planner_.retry_later(std::move(work), now_ + verdict.wait);
    } else if (!stopped_) {
      stop({verdict.stop, "the teacher refuses us (" + verdict.word + "): " + end.error_detail});
    }
    log_.submit(End{{std::move(end)}});
  }

  // ---- what comes back from the disk

  void on(Registered& event) { planner_.looked_up(event); }

  void on(Begun& event) {
    RETORT_ASSERT(!beginning_.empty() && beginning_.front().size() == event.attempts.size());
    std::vector<Work> batch = std::move(beginning_.front());
    beginning_.pop_front();
    beginning_count_ -= batch.size();
    for (std::size_t i = 0; i < batch.size(); ++i) ready_.push_back({event.attempts[i], std::move(batch[i])});
  }

  void on(Ended& event) {
    for (const RowId attempt : event.attempts) {
      const auto ending = endings_.find(attempt);
      RETORT_ASSERT(ending != endings_.end());
      limiter_.settle(std::move(ending->second.permit), ending->second.actual);
      if (ending->second.final) planner_.finished(ending->second.request);
      endings_.erase(ending);
    }
  }

  void on(LogFailed& event) {
    log_retryable_ = event.retryable;
    log_failed_ = true;
    disk_retry_at_ = now_ + kDiskRetryInterval;
    if (!stopped_ || stopped_->code == Errc::interrupted) stop(event.error);
  }

  // ---- stopping

  void stop(Error reason) {
    if (!stopped_) drain_until_ = now_ + settings_.drain;
    stopped_ = std::move(reason);
    stats_.draining = true;
    if (!flights_.empty()) {
      observer_.notice(stopped_->message + "; waiting for " + std::to_string(flights_.size()) + " answers on the wire");
    }
  }

  /// Nothing new is sent; what is on the wire is awaited, what is only on record is released.
  void wind_up() {
    if (!ready_.empty() && !log_failed_) {
      Release release;
      for (const Ready& ready : ready_) release.attempts.push_back(ready.attempt);
      ready_.clear();
      log_.submit(std::move(release));
    }
    if (now_ >= drain_until_ && !flights_.empty()) cancel_flights();
    if (log_failed_ && log_retryable_ && flights_.empty() && now_ >= disk_retry_at_ && now_ < drain_until_) {
      log_failed_ = false;
      log_.retry();
    }
  }

  void cancel_flights() {
    for (auto& [id, flight] : flights_) {
      transport_.cancel(ExchangeId{id});
      AttemptEnd end = describe(flight, {ExchangeId{id}, NetFault::timeout, {}, true, {{}, now_ - flight.sent}});
      end.outcome = AttemptOutcome::cancelled;
      end.error = "cancelled";
      end.possibly_billed = true;
      ++stats_.possibly_billed;
      endings_.emplace(end.attempt, Ending{end.request, true, std::move(flight.permit), {}});
      log_.submit(End{{std::move(end)}});
    }
    flights_.clear();
  }

  bool finished() const {
    if (!flights_.empty()) return false;
    if (!stopped_) return stats_.all_read && planner_.idle();
    const bool log_is_dead = log_failed_ && (!log_retryable_ || now_ >= drain_until_);
    return log_is_dead || (endings_.empty() && beginning_.empty() && ready_.empty());
  }

  Instant next_deadline() const {
    // A retry that is due but cannot be begun waits for a completion, not for a time.
    if (!stopped_) return room_to_begin() > 0 ? std::min(permit_at_, planner_.next_retry()) : permit_at_;
    if (!flights_.empty()) return drain_until_;
    return log_failed_ ? std::min(disk_retry_at_, drain_until_) : Instant::never();
  }

  const HarvestStats& snapshot() {
    stats_.in_flight = static_cast<int>(flights_.size());
    stats_.unfinished = planner_.planned();
    stats_.held_until = limiter_.held_until();
    stats_.hold_reason = limiter_.hold_reason();
    stats_.failures.assign(failures_.begin(), failures_.end());
    return stats_;
  }

  const Clock& clock_;
  Transport& transport_;
  HarvestLog& log_;
  PromptFeed& prompts_;
  const Teacher& teacher_;
  const HarvestSettings settings_;
  HarvestObserver& observer_;
  Random random_;
  RateLimiter limiter_;
  HarvestStats stats_;
  Planner planner_;
  const int ahead_max_;

  Instant now_;
  Instant permit_at_ = Instant::never();
  std::uint64_t last_exchange_ = 0;
  std::size_t beginning_count_ = 0;
  std::deque<std::vector<Work>> beginning_;
  std::deque<Ready> ready_;
  std::map<std::uint64_t, Flight> flights_;  // ordered: a drain ends in the same order in every simulated run
  std::unordered_map<RowId, Ending> endings_;
  std::map<std::string, std::int64_t> failures_;

  int trouble_rounds_ = 0;
  std::optional<Instant> trouble_since_;
  Instant last_trouble_;
  bool reached_ = false;

  std::optional<Error> stopped_;
  Instant drain_until_ = Instant::never();
  bool log_failed_ = false;
  bool log_retryable_ = false;
  Instant disk_retry_at_ = Instant::never();
};

Harvester::Harvester(const Clock& clock, Transport& transport, HarvestLog& log, PromptFeed& prompts,
                     const Teacher& teacher, HarvestSettings settings, HarvestObserver& observer)
    : transport_(transport),
      loop_(std::make_unique<Loop>(clock, transport, log, prompts, teacher, std::move(settings), observer)) {}

Harvester::~Harvester() = default;

HarvestReport Harvester::run(const std::function<bool()>& stop_requested) {
  std::span<NetEvent> events;
  while (const std::optional<Instant> until = turn(events, stop_requested())) events = transport_.wait(*until);
  return report();
}

std::optional<Instant> Harvester::turn(std::span<NetEvent> events, bool stop_requested) {
  return loop_->turn(events, stop_requested);
}

HarvestReport Harvester::report() { return loop_->report(); }

}  // namespace retort
