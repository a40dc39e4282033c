#include "core/harvest/harvester.h"

#include <algorithm>
#include <deque>
#include <map>
#include <unordered_map>

#include "core/base/text.h"
#include "core/corpus/words.h"
#include "core/harvest/answers.h"
#include "core/harvest/attempt.h"
#include "core/harvest/fleet.h"
#include "core/harvest/planner.h"
#include "core/harvest/prompt_intake.h"
#include "core/harvest/reading_budget.h"
#include "core/harvest/server_check.h"
#include "core/harvest/tally.h"
#include "core/harvest/teacher_watch.h"

namespace retort {
namespace {

constexpr int kBeginAheadMin = 2;
constexpr int kBeginAheadMax = 512;
constexpr Duration kAskAgainWhetherReady = 2s;
constexpr Duration kDiskRetryInterval = 1s;

}  // namespace

class Harvester::Loop {
 public:
  Loop(const Clock& clock, Transport& transport, HarvestLog& log, PromptFeed& prompts, const Teacher& teacher,
       PaceBook& pace, HarvestSettings settings, HarvestObserver& observer)
      : clock_(clock),
        transport_(transport),
        log_(log),
        prompts_(prompts),
        teacher_(teacher),
        settings_(std::move(settings)),
        observer_(observer),
        random_(settings_.seed),
        pace_(pace),
        limiter_(settings_.limits, pace, clock.now()),
        budget_(settings_.caps, settings_.spent),
        reading_(transport, settings_.response_bytes_max),
        teacher_watch_(settings_.retry, limiter_, observer, random_, tally_.stats),
        planner_(settings_, stats_),
        server_(transport, teacher, settings_),
        now_(clock.now()) {
    if (settings_.endpoints.size() > 1)
      fleet_.emplace(settings_.endpoints, settings_.retry, settings_.limits.in_flight_max, observer, random_);
  }

  std::optional<Instant> turn(std::span<NetEvent> events, bool stop_requested) {
    now_ = clock_.now();
    pace_.lock();
    const std::optional<Instant> until = locked_turn(events, stop_requested);
    pace_.unlock();
    return until;
  }

  HarvestReport report() {
    for (auto& [attempt, ending] : endings_) settle(ending);  // a dead disk's
    endings_.clear();
    observer_.progress(snapshot(), now_);
    return {snapshot(), stopped_};
  }

 private:
  std::optional<Instant> locked_turn(std::span<NetEvent> events, bool stop_requested) {
    for (NetEvent& event : events) std::visit([this](auto& e) { on(e); }, event);
    if (!ends_.attempts.empty()) log_.submit(std::exchange(ends_, {}));
    for (LogEvent& event : log_.completions()) std::visit([this](auto& e) { on(e); }, event);
    if (!stopped_ && stop_requested) stop({Errc::interrupted, "stopped by a signal"});
    if (!stopped_ && budget_.time_is_up(clock_.wall()))
      stop({Errc::quota, "the time of --until has come; what is missing stays pending"});
    if (!stopped_) {
      read_prompts();
      begin_ahead_of_permits();
      if (!server_.done()) {
        ask_whether_ready();
      } else {
        send_what_is_permitted();
      }
    } else {
      wind_up();
    }
    if (finished()) return {};
    return std::min(observer_.progress(snapshot(), now_), next_deadline());
  }

  void settle(Ending& ending) {
    reading_.released(ending.bytes);
    if (ending.permit) limiter_.settle(std::move(*ending.permit), ending.actual);
  }

  // ---- from prompts to the wire

  void read_prompts() {
    if (std::optional<Error> unusable = take_prompts(prompts_, planner_, teacher_, settings_, stats_, observer_))
      return stop(std::move(*unusable));
    while (auto lookup = planner_.next_lookup(stats_.all_read)) log_.submit(std::move(*lookup));
  }

  // ---- the server itself

  void ask_whether_ready() {
    if (!server_.under_way() && now_ >= limiter_.held_until())
      server_.ask(ExchangeId{++last_exchange_}, fleet_ ? &*fleet_ : nullptr);
  }

  void on_server_answer(const ResponseEnd& event) {
    if (const std::optional<std::string> why = server_.on(event)) {
      limiter_.hold(now_ + kAskAgainWhetherReady, *why);
      return lose_patience(teacher_watch_.not_ready(*why, now_));
    }
    teacher_watch_.ready();
    if (const std::string notice = server_.notice(); !notice.empty()) observer_.notice(notice);
  }

  // ---- to the wire

  /// Begun ahead of permits, so that a permit never waits for the disk; no further ahead than a second's worth, since a
  /// crash must count what was begun as possibly sent.
  int room_to_begin() const {
    double ahead = limiter_.in_flight_limit();
    if (const double rate = limiter_.requests_per_second(now_); rate > 0) ahead = std::min(ahead, rate);
    const int most = std::clamp(static_cast<int>(ahead), kBeginAheadMin, kBeginAheadMax);
    return most - static_cast<int>(ready_.size() + beginning_count_);
  }

  void begin_ahead_of_permits() {
    std::vector<Ready> batch;
    Begin entry;
    const int room = room_to_begin();
    budget_blocked_ = false;
    while (static_cast<int>(batch.size()) < room) {
      std::optional<Work> work = unaffordable_ ? std::exchange(unaffordable_, {}) : planner_.take(now_);
      if (!work) break;
      const Cost bound = teacher_.bound(work->question);
      const Budget::Grant grant = budget_.reserve(bound);
      if (grant != Budget::Grant::granted) {
        unaffordable_ = std::move(work);
        budget_blocked_ = true;
        if (grant == Budget::Grant::exhausted) {
          stop({Errc::quota, "the cap is reached: " + budget_.reached() +
                                 "; what is missing stays pending: raise the cap and run the same command again"});
        }
        break;
      }
      entry.attempts.push_back({work->request, work->question.max_tokens, bound, work->also});
      batch.push_back({0, std::move(*work), bound});
    }
    if (batch.empty()) return;
    beginning_count_ += batch.size();
    beginning_.push_back(std::move(batch));
    log_.submit(std::move(entry));
  }

  void send_what_is_permitted() {
    MarkSent sent{{}, clock_.wall()};
    permit_at_ = Instant::never();
    if (fleet_) limiter_.concurrency().follow(fleet_->room(now_));
    while (!ready_.empty() && !reading_.full()) {
      const Ready& next = ready_.front();
      if (const auto why = server_.cannot_fit(next.bound, next.work.question.max_tokens)) {
        give_up_unsent(std::move(ready_.front()), *why);
        ready_.pop_front();
        continue;
      }
      auto admission = limiter_.acquire(ready_.front().bound, now_);
      if (const auto* later = std::get_if<Instant>(&admission)) {
        permit_at_ = *later;
        break;
      }
      Ready ready = std::move(ready_.front());
      ready_.pop_front();
      send(std::move(ready), std::move(std::get<Permit>(admission)), sent);
      if (limiter_.concurrency().probing()) break;
    }
    if (ready_.empty()) limiter_.nothing_to_send();
    if (fleet_ && !ready_.empty()) permit_at_ = std::min(permit_at_, fleet_->next_due(now_));
    if (!sent.attempts.empty()) log_.submit(std::move(sent));
  }

  void give_up_unsent(Ready ready, const std::string& why) {
    AttemptEnd end = unsent_end(ready, why);
    tally_.failed(end);
    budget_.settle(ready.bound, Cost{}, false);
    endings_.emplace(end.attempt, Ending{requests_of(ready.work), {}, {}, 0});
    log_.submit(End{{std::move(end)}});
  }

  void send(Ready ready, Permit permit, MarkSent& sent) {
    HttpRequest request = teacher_.encode(ready.work.question);
    if (!settings_.credential.empty()) request.headers.push_back(teacher_.credential_header(settings_.credential));
    request.connect_timeout = settings_.connect_timeout;
    request.total_timeout = settings_.total_timeout;
    request.body_bytes_max = settings_.body_bytes_max;
    if (ready.work.question.stream) {
      request.first_byte_timeout = settings_.first_byte_timeout;
      request.idle_timeout = settings_.idle_timeout;
    }
    tally_.sent(ready.work.tried || ready.work.attempts_charged > 0);
    ready.work.tried = true;
    const ExchangeId id{++last_exchange_};
    Place place;
    if (fleet_) {
      place = fleet_->choose(ready.work, request, now_);
      sent.endpoints.push_back(fleet_->url(place));
    }
    sent.attempts.push_back(ready.attempt);
    flights_.emplace(
        id.value,
        Flight{ready.attempt, std::move(ready.work), std::move(permit), ready.bound, now_, sent.at, {}, {}, {}, place});
    transport_.submit(id, std::move(request));
  }

  // ---- what comes back from the wire

  void on(ResponseHead& event) {
    if (server_.owns(event.id)) server_.on(event);
    if (const auto flight = flights_.find(event.id.value); flight != flights_.end())
      flight->second.head = std::move(event.head);
  }
  void on(ResponseBytes& event) {
    if (server_.owns(event.id)) server_.on(event);
    const auto flight = flights_.find(event.id.value);
    if (flight == flights_.end()) return;
    reading_.arrived(event.id, event.bytes.size());
    take_bytes(flight->second, std::move(event.bytes));
    if (flight->second.work.question.stream) watch_first_token(flight->second, teacher_, now_);
  }
  void on(Woken&) {}

  void on(ResponseEnd& event) {
    if (server_.owns(event.id)) return on_server_answer(event);
    const auto found = flights_.find(event.id.value);
    if (found == flights_.end()) return;
    Flight flight = std::move(found->second);
    flights_.erase(found);
    reading_.ended(event.id);
    const std::size_t bytes = flight.body.size();

    AttemptEnd end = record_exchange(flight, event.timing, settings_.credential);
    auto [facts, whole] = read_exchange(flight, event, end, teacher_, settings_.credential, clock_.wall());
    auto* const answer = whole ? std::get_if<Answer>(&facts.reply) : nullptr;
    std::optional<Cost> actual;
    if (answer) actual = teacher_.invoice(answer->usage, flight.bound, clock_.wall());
    limiter_.announced(flight.permit, facts.signals.announced, actual, now_);
    const AttemptHistory history = fleet_ ? fleet_->history(flight) : teacher_watch_.history(flight.work);
    Verdict verdict = judge(facts, history, settings_.retry, random_);
    if (!fleet_ || fleet_->heard(flight, facts, verdict, actual, now_))
      lose_patience(teacher_watch_.heard(facts, verdict, flight.permit, flight.sent, now_));
    if (answer) {
      limiter_.answered(flight.permit, *actual, now_ - flight.sent, now_);
      end.cost = actual->money;
      tally_.paid(*actual);
    } else if (!verdict.possibly_billed && !(whole && flight.head.status == 200)) {
      actual = Cost{};
    }
    const bool reached = flight.head.status != 0 && flight.head.status != 429;
    budget_.settle(flight.bound, actual,
                   reached || verdict.outcome != AttemptOutcome::refused || verdict.possibly_billed);
    Ending ending{{}, std::move(flight.permit), actual, bytes};
    if (answer) {
      conclude_answered(std::move(flight.work), std::move(end), std::move(*answer), std::move(ending));
    } else {
      keep_partial(facts.reply, end);
      conclude(std::move(flight.work), std::move(end), verdict, whole && flight.head.status == 200, std::move(ending));
    }
  }

  void conclude_answered(Work work, AttemptEnd end, Answer answer, Ending ending) {
    if (answer.choices.size() > 1) end.usage = answer.usage;
    const std::shared_ptr<const RequestSpec> origin = work.origin;
    AnswersTaken taken = take_answers(std::move(answer), work, settings_);
    for (Work& again : taken.again) {
      again.tried = true;
      planner_.retry_later(std::move(again), now_);
    }
    if (origin && taken.served.front().status == RequestStatus::answered) {
      const Response& response = *taken.served.front().response;
      ending.answer = {0, response.text, response.finish};
      ending.answered = std::move(work);
    }
    ending.finished = note_served(std::move(taken.served), settings_.credential, tally_, end);
    end.outcome = AttemptOutcome::answered;
    endings_.emplace(end.attempt, std::move(ending));
    ends_.attempts.push_back(std::move(end));
  }

  /// An attempt without an answer.
  void conclude(Work work, AttemptEnd end, const Verdict& verdict, bool status_200, Ending ending) {
    end.outcome = verdict.outcome;
    end.error = verdict.word;
    end.error_detail = redacted(verdict.detail, settings_.credential);
    end.possibly_billed = verdict.possibly_billed || status_200;
    if (is_charged(verdict.outcome)) ++work.attempts_charged;
    if (verdict.outcome == AttemptOutcome::timed_out) ++work.timeouts;
    using Next = Verdict::Next;
    if (verdict.next == Next::give_up) end.request_status = RequestStatus::failed;
    for (const RowId request : work.also) end.also.push_back({request, end.request_status});
    tally_.failed(end);
    if (verdict.next != Next::retry) ending.finished = requests_of(work);
    endings_.emplace(end.attempt, std::move(ending));
    if (verdict.next == Next::retry) {
      planner_.retry_later(std::move(work), now_ + verdict.wait);
    } else if (verdict.next == Next::stop_teacher && !stopped_) {
      stop({verdict.stop, "the teacher refuses us (" + verdict.word + "): " + end.error_detail});
    }
    ends_.attempts.push_back(std::move(end));
  }

  // ---- what comes back from the disk

  void on(Registered& event) { planner_.looked_up(std::move(event)); }

  void on(Begun& event) {
    RETORT_ASSERT(!beginning_.empty() && beginning_.front().size() == event.attempts.size());
    std::vector<Ready> batch = std::move(beginning_.front());
    beginning_.pop_front();
    beginning_count_ -= batch.size();
    for (std::size_t i = 0; i < batch.size(); ++i) {
      batch[i].attempt = event.attempts[i];
      ready_.push_back(std::move(batch[i]));
    }
  }

  void on(Ended& event) {
    for (const RowId attempt : event.attempts) {
      const auto ending = endings_.find(attempt);
      RETORT_ASSERT(ending != endings_.end());
      settle(ending->second);
      if (ending->second.answered) go_on(ending->second, event.answers);
      for (const RowId request : ending->second.finished) planner_.finished(request);
      endings_.erase(ending);
    }
  }

  void go_on(Ending& ending, const std::vector<std::pair<RowId, RowId>>& answers) {
    const Work& work = *ending.answered;
    const auto its =
        std::find_if(answers.begin(), answers.end(), [&](const auto& answer) { return answer.first == work.request; });
    if (its == answers.end()) return;
    ending.answer.response = its->second;
    planner_.follow_up(*work.origin, work.question.messages, work.question.parameters, ending.answer);
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

  void lose_patience(std::optional<Error> why) {
    if (why && !stopped_) stop(std::move(*why));
  }

  /// Nothing new is sent; what is on the wire is awaited, what is only on record is released.
  void wind_up() {
    server_.cancel();
    if (!ready_.empty() && !log_failed_) {
      Release release;
      for (const Ready& ready : ready_) {
        release.attempts.push_back(ready.attempt);
        budget_.settle(ready.bound, Cost{}, false);
      }
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
      const std::size_t bytes = flight.body.size();
      AttemptEnd end = cancelled_exchange(flight, now_, teacher_, settings_.credential);
      tally_.failed(end);
      budget_.settle(flight.bound, {}, true);
      reading_.ended(ExchangeId{id});
      endings_.emplace(end.attempt, Ending{requests_of(flight.work), std::move(flight.permit), {}, bytes});
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
    if (stopped_) {
      if (!flights_.empty()) return drain_until_;
      return log_failed_ ? std::min(disk_retry_at_, drain_until_) : Instant::never();
    }
    Instant next = server_.done() ? permit_at_ : server_.under_way() ? Instant::never() : limiter_.held_until();
    // A retry that is due but cannot be begun waits for a completion, not for a time.
    if (room_to_begin() > 0 && !budget_blocked_) next = std::min(next, planner_.next_retry());
    if (settings_.caps.until) {
      const std::int64_t left = std::max<std::int64_t>(0, settings_.caps.until->ms - clock_.wall().ms);
      next = std::min(next, now_ + std::chrono::milliseconds(std::min<std::int64_t>(left, 60'000)) + 1ms);
    }
    return next;
  }

  const HarvestStats& snapshot() {
    stats_.in_flight = static_cast<int>(flights_.size());
    stats_.in_flight_limit = limiter_.in_flight_limit();
    stats_.requests_per_second_allowed = limiter_.requests_per_second(now_);
    stats_.unfinished = planner_.planned();
    stats_.held_until = limiter_.held_until();
    stats_.hold_reason = limiter_.hold_reason();
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
  PaceBook& pace_;
  RateLimiter limiter_;
  Budget budget_;
  ReadingBudget reading_;
  Tally tally_;
  TeacherWatch teacher_watch_;
  HarvestStats& stats_ = tally_.stats;
  Planner planner_;
  ServerCheck server_;
  std::optional<Fleet> fleet_;  ///< if the teacher has several endpoints

  Instant now_;
  Instant permit_at_ = Instant::never();
  std::uint64_t last_exchange_ = 0;
  std::size_t beginning_count_ = 0;
  std::deque<std::vector<Ready>> beginning_;
  std::deque<Ready> ready_;
  std::optional<Work> unaffordable_;  ///< the next in line, when the budget has no room for it
  bool budget_blocked_ = false;
  End ends_;                                 ///< of this turn, not yet with the log
  std::map<std::uint64_t, Flight> flights_;  // ordered: a drain ends in the same order in every simulated run
  std::unordered_map<RowId, Ending> endings_;

  std::optional<Error> stopped_;
  Instant drain_until_ = Instant::never();
  bool log_failed_ = false;
  bool log_retryable_ = false;
  Instant disk_retry_at_ = Instant::never();
};

Harvester::Harvester(const Clock& clock, Transport& transport, HarvestLog& log, PromptFeed& prompts,
                     const Teacher& teacher, PaceBook& pace, HarvestSettings settings, HarvestObserver& observer)
    : transport_(transport),
      loop_(std::make_unique<Loop>(clock, transport, log, prompts, teacher, pace, std::move(settings), observer)) {}

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
