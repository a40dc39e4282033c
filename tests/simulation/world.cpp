#include "tests/simulation/world.h"

#include <algorithm>
#include <map>
#include <set>

#include "core/base/hash.h"
#include "core/teacher/openai_chat.h"
#include "tests/simulation/sim_disk.h"

namespace retort::simulation {
namespace {

constexpr std::int64_t kEventsMax = 20'000'000;  // a run that needs more does not terminate

HttpHead json_head(int status) { return {status, {{"content-type", "application/json"}}}; }

std::string answer_body(const std::string& prompt) {
  return dump_json({{"id", "sim"},
                    {"model", "sim"},
                    {"choices",
                     {{{"index", 0},
                       {"message", {{"role", "assistant"}, {"content", "answer to " + prompt}}},
                       {"finish_reason", "stop"}}}},
                    {"usage", {{"prompt_tokens", 10}, {"completion_tokens", 20}}}});
}

class CountedPrompts final : public PromptFeed {
 public:
  explicit CountedPrompts(int count) : count_(count) {}
  FeedEvent poll() override {
    if (next_ == count_) return EndOfPrompts{};
    PromptRow row{"sim", ++next_, {}, {}, nullptr};
    row.messages = Json::array({{{"role", "user"}, {"content", "q" + std::to_string(next_)}}});
    return row;
  }
  std::optional<double> fraction_read() const override { return static_cast<double>(next_) / count_; }

 private:
  int count_;
  int next_ = 0;
};

class Silent final : public HarvestObserver {
 public:
  Instant progress(const HarvestStats&, Instant) override { return Instant::never(); }
  void notice(const std::string&) override {}
};

}  // namespace

class World::Impl final : public Clock, public Transport {
 public:
  Impl(WorldSettings settings, std::uint64_t seed, Bug bug)
      : settings_(std::move(settings)), bug_(bug), random_(seed), tokens_(settings_.teacher_burst) {
    if (bug_ == Bug::overrun_limit) settings_.harvest.limits.requests_per_minute *= 1.5;
  }

  // ---- clock
  Instant now() const override { return now_; }
  WallTime wall() const override { return {1'800'000'000'000 + now_.ns / 1'000'000}; }

  // ---- network
  void submit(ExchangeId id, HttpRequest request) override {
    may_lose_power();
    const std::string prompt = parse_json(request.body)->at("messages").back().at("content").get<std::string>();
    ++attempts_;
    ++sends_[prompt];
    disk_.open.insert(prompt);
    const auto on_record = disk_.by_prompt.find(prompt);
    const int begun =
        on_record == disk_.by_prompt.end() ? 0 : disk_.requests[static_cast<std::size_t>(on_record->second - 1)].begun;
    if (sends_[prompt] > begun) find("a request for '" + prompt + "' was sent without being on record");
    if (now_ < silent_until_) find("a request was sent while the teacher had asked for silence");
    note("send " + prompt);
    live_.insert(id.value);
    deliver(id, prompt);
    if (bug_ == Bug::send_twice && random_.chance(0.05)) deliver(id, prompt);
  }

  void cancel(ExchangeId id) override {
    may_lose_power();
    live_.erase(id.value);
  }

  void pause(ExchangeId, bool) override { may_lose_power(); }
  void wake() noexcept override { woken_ = true; }

  std::span<NetEvent> wait(Instant deadline) override {
    may_lose_power();
    if (settings_.stop_at && now_ < *settings_.stop_at) deadline = std::min(deadline, *settings_.stop_at);
    events_.clear();
    while (inbox_.empty() && !woken_) {
      if (agenda_.empty() || agenda_.begin()->first.first > deadline) {
        if (deadline.is_never()) {
          find("the harvester waits for ever with nothing under way");
          throw PowerCut{};
        }
        now_ = std::max(now_, deadline);
        return events_;
      }
      auto event = std::move(agenda_.begin()->second);
      now_ = std::max(now_, agenda_.begin()->first.first);
      agenda_.erase(agenda_.begin());
      if (++events_run_ > kEventsMax) {
        find("the harvest does not end");
        throw PowerCut{};
      }
      event();
    }
    if (std::exchange(woken_, false)) inbox_.push_back(Woken{});
    events_.swap(inbox_);
    return events_;
  }

  // ---- one life of the process
  HarvestReport harvest_once() {
    disk_.recover();
    SimLog log(
        disk_,
        {settings_.sync_latency, settings_.full_disk_probability, bug_ == Bug::send_before_recording,
         bug_ == Bug::forget_answers},
        random_, [this](Duration delay, std::function<void()> event) { schedule(delay, std::move(event)); },
        [this] { wake(); }, [this] { may_lose_power(); });
    const auto teacher = make_openai_chat({"http://sim/v1", "sim", 1.0, 2.0, "max_tokens"});
    CountedPrompts prompts(settings_.prompts);
    Silent observer;
    HarvestSettings harvest = settings_.harvest;
    harvest.dialect = "openai-chat";
    harvest.model = "sim";
    harvest.seed = random_.next();
    Harvester harvester(*this, *this, log, prompts, *teacher, harvest, observer);
    HarvestReport report = harvester.run([this] { return settings_.stop_at && now_ >= *settings_.stop_at; });
    (void)log.close({});
    return report;
  }

  /// The process is gone: what was under way towards it, and its timers, mean nothing any more.
  void forget_process() {
    in_flight_at_cuts_ += static_cast<std::int64_t>(disk_.open.size());
    if (static_cast<int>(disk_.open.size()) > settings_.harvest.limits.in_flight_max)
      find("more was at stake than fits in flight");
    disk_.open.clear();
    agenda_.clear();
    inbox_.clear();
    live_.clear();
    woken_ = false;
    silent_until_ = {};  // a new process has not heard of it
    now_ = now_ + 1s;
  }

  void check_end(const HarvestReport& report) {
    std::int64_t answered = 0, paid_again = 0;
    for (const Disk::Request& request : disk_.requests) {
      const int delivered = delivered_[request.prompt];
      if (request.answers > 1) find("'" + request.prompt + "' has " + std::to_string(request.answers) + " answers");
      if (request.answers == 1 && request.answer != "answer to " + request.prompt)
        find("'" + request.prompt + "' has another's answer");
      if ((request.status == RequestStatus::answered) != (request.answers == 1))
        find("'" + request.prompt + "': status and answer differ");
      answered += request.answers;
      paid_again += std::max(0, delivered - 1);
    }
    if (paid_again > in_flight_at_cuts_) {
      find(std::to_string(paid_again) + " answers were paid for again, with " + std::to_string(in_flight_at_cuts_) +
           " in flight at power cuts");
    }
    for (const Disk::Attempt& attempt : disk_.attempts) {
      const bool open = attempt.outcome == AttemptOutcome::unsent || attempt.outcome == AttemptOutcome::sent;
      if (open) {
        find("an attempt has no outcome after a clean end");
        break;
      }
    }
    if (report.stopped) return;
    for (const Disk::Request& request : disk_.requests) {
      if (request.status == RequestStatus::pending)
        find("'" + request.prompt + "' is still pending after a complete harvest");
    }
    if (disk_.requests.size() != static_cast<std::size_t>(settings_.prompts)) find("not every prompt is in the corpus");
    if (report.stats.answered > answered) find("more answers reported than stored");
  }

  void find(std::string what) {
    if (findings_.size() < 20) findings_.push_back(std::move(what));
  }

  WorldSettings settings_;
  Bug bug_;
  Random random_;
  Disk disk_;
  Findings findings_;
  std::string transcript_;
  std::int64_t attempts_ = 0;
  std::int64_t refusals_ = 0;
  bool power_on_ = true;  // power cuts may happen

 private:
  void note(const std::string& what) {
    transcript_ += std::to_string(now_.ns) + " " + what + "\n";
    if (transcript_.size() > 1 << 16) transcript_ = sha256_hex(transcript_);
  }

  void schedule(Duration delay, std::function<void()> event) {
    agenda_.emplace(std::pair(now_ + delay, order_++), std::move(event));
  }

  void may_lose_power() {
    if (!findings_.empty()) throw PowerCut{};  // seen enough
    if (power_on_ && random_.chance(settings_.power_cut_probability)) throw PowerCut{};
  }

  void end(ExchangeId id, NetFault fault, bool billed) {
    if (live_.erase(id.value) == 0) return;
    inbox_.push_back(ResponseEnd{
        id, fault, fault == NetFault::none ? "" : "simulated", billed, {settings_.latency, settings_.latency}});
  }

  void reply(ExchangeId id, Duration after, HttpHead head, std::string body, NetFault fault = NetFault::none) {
    schedule(after, [this, id, head = std::move(head), body = std::move(body), fault] {
      if (live_.count(id.value) == 0) return;
      inbox_.push_back(ResponseHead{id, head});
      inbox_.push_back(ResponseBytes{id, body});
      end(id, fault, true);
    });
  }

  void deliver(ExchangeId id, const std::string& prompt) {
    const Duration there = settings_.latency / 4;
    if (random_.chance(settings_.fault_probability / 4)) {
      schedule(there, [this, id] { end(id, NetFault::connect, false); });
      return;
    }
    schedule(there, [this, id, prompt] { arrive(id, prompt); });
  }

  void arrive(ExchangeId id, const std::string& prompt) {
    const Duration thinking = settings_.latency / 2 + random_.jitter(settings_.latency);
    if (!admitted()) {
      ++refusals_;
      note("refuse " + prompt);
      HttpHead head = json_head(429);
      if (settings_.sends_retry_after) {
        head.headers.push_back({"retry-after", "2"});
        // Binding from when the client has heard of it.
        const bool ignored = bug_ == Bug::ignore_retry_after;
        schedule(there_and_back(), [this, until = now_ + 2s] { silent_until_ = std::max(silent_until_, until); });
        if (ignored) head.headers.pop_back();
      }
      return reply(id, there_and_back(), head, R"({"error":{"message":"slow down"}})");
    }
    if (random_.chance(settings_.fault_probability)) return misbehave(id, thinking);
    // Delivered means computed and on its way: the teacher bills it.
    schedule(thinking, [this, id, prompt] {
      if (live_.count(id.value) == 0) return;
      ++delivered_[prompt];
      note("answer " + prompt);
      inbox_.push_back(ResponseHead{id, json_head(200)});
      inbox_.push_back(ResponseBytes{id, answer_body(prompt)});
      end(id, NetFault::none, true);
      if (bug_ == Bug::send_twice) live_.insert(id.value);
    });
  }

  void misbehave(ExchangeId id, Duration thinking) {
    switch (random_.between(0, 5)) {
      case 0:
        return reply(id, thinking, json_head(500), R"({"error":{"message":"oops"}})");
      case 1:
        return reply(id, thinking, json_head(200), "<html>captive portal</html>");
      case 2:
        return reply(id, thinking, json_head(200), R"({"choices":[{"mess)", NetFault::broken);
      case 3:
        return schedule(thinking, [this, id] { end(id, NetFault::broken, true); });
      case 4:
        return reply(id, thinking, json_head(503), "");
      default:
        return reply(id, thinking, json_head(200), R"({"choices":[]})");
    }
  }

  Duration there_and_back() const { return settings_.latency / 4; }

  // The teacher's own bucket, and a check that is independent of it: never more in a window than rate and burst allow.
  bool admitted() {
    if (settings_.teacher_requests_per_minute <= 0) return true;
    const double per_second = settings_.teacher_requests_per_minute / 60;
    tokens_ = std::min(settings_.teacher_burst, tokens_ + per_second * seconds(now_ - filled_at_));
    filled_at_ = now_;
    if (tokens_ < 1) return false;
    tokens_ -= 1;
    return true;
  }

  Instant now_{1'000'000'000};
  std::map<std::pair<Instant, std::uint64_t>, std::function<void()>> agenda_;
  std::uint64_t order_ = 0;
  std::int64_t events_run_ = 0;
  std::vector<NetEvent> inbox_, events_;
  bool woken_ = false;
  std::set<std::uint64_t> live_;
  std::map<std::string, int> sends_, delivered_;
  std::int64_t in_flight_at_cuts_ = 0;
  double tokens_;
  Instant filled_at_{1'000'000'000};
  Instant silent_until_;  // as the client has heard
};

World::World(WorldSettings settings, std::uint64_t seed, Bug bug)
    : impl_(std::make_unique<Impl>(std::move(settings), seed, bug)) {}
World::~World() = default;

Findings World::run() {
  constexpr int kPowerCutsMax = 60;
  while (true) {
    try {
      const HarvestReport report = impl_->harvest_once();
      stopped_ = report.stopped;
      impl_->check_end(report);
      break;
    } catch (const PowerCut&) {
      impl_->forget_process();
      if (++power_cuts_ >= kPowerCutsMax) impl_->power_on_ = false;  // let it end
      if (!impl_->findings_.empty()) break;
    }
  }
  transcript_digest_ = sha256_hex(impl_->transcript_);
  return impl_->findings_;
}

std::int64_t World::attempts() const { return impl_->attempts_; }
std::int64_t World::refusals() const { return impl_->refusals_; }
double World::simulated_minutes() const { return seconds(impl_->now() - Instant{1'000'000'000}) / 60; }
std::int64_t World::answered() const {
  return std::count_if(impl_->disk_.requests.begin(), impl_->disk_.requests.end(),
                       [](const auto& request) { return request.answers == 1; });
}
std::int64_t World::failed() const {
  return std::count_if(impl_->disk_.requests.begin(), impl_->disk_.requests.end(),
                       [](const auto& request) { return request.status == RequestStatus::failed; });
}

}  // namespace retort::simulation
