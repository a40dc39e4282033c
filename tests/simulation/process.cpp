#include "tests/simulation/process.h"

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "core/harvest/rate_signals.h"
#include "tests/simulation/provider.h"

namespace retort::simulation {
namespace {

bool has_caps(const Caps& caps) { return caps.money || caps.tokens || caps.requests || caps.until; }

/// What a reply's Retry-After asks for, read without the harvester's eyes. What is no time asks for nothing.
std::optional<Duration> silence_asked(const HttpHead& head, WallTime wall) {
  const auto value = head.find("retry-after");
  if (!value) return {};
  if (const auto date = parse_http_date(*value)) {
    if (*date <= wall) return {};
    return std::chrono::milliseconds(date->ms - wall.ms);
  }
  const std::string text(*value);
  char* end = nullptr;
  const double asked = std::strtod(text.c_str(), &end);
  if (end == text.c_str() || *end != 0 || !(asked > 0)) return {};
  return from_seconds(asked);
}

/// What a refusal says of when a limit that is used up is whole again: who waits for that wastes nothing.
std::optional<Duration> reset_told(const HttpHead& head) {
  if (head.status != 429) return {};
  std::optional<Duration> longest;
  for (const std::string what : {"requests", "tokens"}) {
    const auto remaining = head.find("x-ratelimit-remaining-" + what), reset = head.find("x-ratelimit-reset-" + what);
    if (remaining != "0" || !reset) continue;
    longest = std::max(longest.value_or(Duration{}), from_seconds(std::strtod(std::string(*reset).c_str(), nullptr)));
  }
  return longest;
}

}  // namespace

/// The log as the harvester sees it: the power may go at each call.
class Process::Log final : public SimLog {
 public:
  Log(Process& process, Disk& disk, DiskSettings settings, Random& random)
      : SimLog(disk, settings, random, process), process_(process) {}
  void submit(LogEntry entry) override {
    process_.port_called();
    if (process_.sabotage_) {
      process_.sabotage_->entry(entry);
      process_.wake();
    }
    SimLog::submit(std::move(entry));
  }
  std::vector<LogEvent> completions() override {
    process_.port_called();
    std::vector<LogEvent> events = SimLog::completions();
    for (const LogEvent& event : events) {
      if (std::holds_alternative<LogFailed>(event)) process_.world_.audit.disk_failed(process_.index_);
    }
    if (process_.sabotage_) process_.sabotage_->log_events(events);
    return events;
  }
  void retry() override {
    process_.port_called();
    SimLog::retry();
    if (retried_in_vain()) process_.world_.audit.find("a failed sync was tried again as if it could have worked");
  }

 private:
  Process& process_;
};

Process::Process(Surroundings world, Disk& disk, ProcessSettings settings, int index)
    : world_(std::move(world)), disk_(disk), settings_(std::move(settings)), index_(index) {
  teacher_ = *make_teacher(
      "openai-chat", {"http://sim/v1", "sim", Prices({settings_.price_input, settings_.price_output}), "max_tokens"});
  world_.timeline.after(settings_.starts_after, *this, kStart, life_);
  if (settings_.signal_after) world_.timeline.after(*settings_.signal_after, *this, kSignal);
}

Process::~Process() { bury(); }

// ---- life and death

void Process::start() {
  if (disk_.locked) {  // the corpus is in use: refused, and nothing is sent
    world_.timeline.after(settings_.restarts_after, *this, kStart, life_);
    return;
  }
  disk_.locked = true;
  ++starts_;
  disk_.recover();
  world_.audit.started(index_);
  if (world_.endpoints != nullptr) world_.endpoints->forgotten();
  sabotage_ = make_sabotage(settings_.bug);
  sync_runs_ = false;
  exchanges_.clear();
  next_prompt_ = 0;
  signalled_ = false;
  log_ = std::make_unique<Log>(*this, disk_, settings_.disk, world_.random);
  HarvestSettings harvest = settings_.harvest;
  harvest.dialect = "openai-chat";
  harvest.model = "sim";
  harvest.seed = world_.random.next();
  harvest.spent = disk_.spent();
  if (settings_.shares_pace) {
    pace_ = std::make_unique<SharedPace>(world_.pace, static_cast<std::size_t>(index_));
  } else {
    pace_ = std::make_unique<PrivatePace>();
  }
  PromptFeed& feed = *this;
  HarvestObserver& observer = *this;
  try {
    harvester_ =
        std::make_unique<Harvester>(*this, *this, *log_, feed, *teacher_, *pace_, std::move(harvest), observer);
  } catch (const PowerCut&) {
    return world_.machine_loses_power(*this);
  }
  schedule_turn(world_.timeline.now());
}

void Process::turn() {
  turn_at_ = Instant::never();
  std::swap(events_, inbox_);
  inbox_.clear();
  if (std::exchange(woken_, false)) events_.push_back(Woken{});
  tell_audit();
  if (sabotage_) sabotage_->net_events(events_);
  in_turn_ = true;
  try {
    const bool stop = signalled_ && !(sabotage_ && sabotage_->hides_signal());
    const std::optional<Instant> until = harvester_->turn(events_, stop);
    in_turn_ = false;
    events_.clear();
    if (!until) return leave();
    const Instant at = until->is_never() ? *until : world_.timeline.now() + (*until - own_time());
    schedule_turn(std::max(at, world_.timeline.now() + settings_.turn_takes));
    if (!inbox_.empty() || woken_) schedule_turn(world_.timeline.now() + settings_.turn_takes);
    watch_for_deadlock(*until);
  } catch (const PowerCut&) {
    in_turn_ = false;
    world_.machine_loses_power(*this);
  }
}

void Process::tell_audit() {
  for (const NetEvent& event : events_) {
    const auto find = [this](ExchangeId id) {
      const auto found = exchanges_.find(id.value);
      return found == exchanges_.end() ? nullptr : &found->second;
    };
    if (const auto* head = std::get_if<ResponseHead>(&event)) {
      if (Exchange* const exchange = find(head->id)) {
        exchange->status = head->head.status;
        exchange->silence = silence_asked(head->head, wall());
        exchange->reset = reset_told(head->head);
      }
    } else if (const auto* bytes = std::get_if<ResponseBytes>(&event)) {
      if (Exchange* const exchange = find(bytes->id)) {
        if (exchange->bytes == 0) exchange->good = Provider::is_answer(bytes->bytes);
        exchange->bytes += bytes->bytes.size();
        if (exchange->prompt != 0) world_.audit.heard_bytes(index_, bytes->bytes.size(), world_.wire.portion());
      }
    } else if (const auto* end = std::get_if<ResponseEnd>(&event)) {
      const auto found = exchanges_.find(end->id.value);
      if (found == exchanges_.end()) continue;
      const Exchange exchange = found->second;
      exchanges_.erase(found);
      if (exchange.prompt == 0) continue;  // a question about the server itself
      const bool good = end->fault == NetFault::none && exchange.status == 200 && exchange.good;
      const auto silence = end->fault == NetFault::none ? exchange.silence : std::nullopt;
      world_.audit.heard(index_,
                         {exchange.prompt, end->fault, exchange.status, good, silence, exchange.reset, exchange.bytes});
    }
  }
}

void Process::watch_for_deadlock(Instant until) {
  if (!until.is_never() || !exchanges_.empty() || sync_runs_ || !inbox_.empty() || woken_) return;
  world_.audit.waits_for_ever(index_);
}

/// The harvest is over, and its process ends as it should.
void Process::leave() {
  try {
    report_ = harvester_->report();
  } catch (const PowerCut&) {
    return world_.machine_loses_power(*this);
  }
  world_.audit.left(index_, report_, log_->close({}).has_value());
  harvester_.reset();
  log_.reset();
  pace_.reset();
  disk_.locked = false;
  world_.wire.hang_up(*this);
  ++life_;
  inbox_.clear();
  events_.clear();
  woken_ = false;
  turn_at_ = Instant::never();
  if (report_.stopped) ++stops_;
  if (report_.stopped && !(report_.stopped->code == Errc::quota && has_caps(settings_.harvest.caps))) {
    come_again();
  } else {
    over_ = true;
  }
}

void Process::come_again() { world_.timeline.after(settings_.restarts_after, *this, kStart, life_); }

void Process::die() {
  if (harvester_ == nullptr && log_ == nullptr) return;
  if (log_) log_->crash();
  bury();
  world_.audit.died(index_);
  disk_.locked = false;
  world_.wire.hang_up(*this);
  ++deaths_;
  ++life_;
  inbox_.clear();
  events_.clear();
  woken_ = false;
  turn_at_ = Instant::never();
  come_again();
}

// A permit that ends outside settle() is a bug, except where an exception takes the process down: so it does here.
void Process::bury() noexcept {
  struct Grave {
    Process& process;
    ~Grave() {
      process.harvester_.reset();
      process.log_.reset();
      process.pace_.reset();
    }
  };
  try {
    const Grave grave{*this};
    throw PowerCut{};
  } catch (const PowerCut&) {
  }
}

void Process::suspend(Duration duration, bool clock_stands) {
  suspended_until_ = std::max(suspended_until_, world_.timeline.now() + duration);
  if (clock_stands) clock_behind_ += duration;
}

void Process::happen(std::uint32_t what, std::uint64_t which) {
  if (world_.timeline.now() < suspended_until_) return world_.timeline.at(suspended_until_, *this, what, which);
  switch (what) {
    case kStart:
      if (which == life_ && !alive()) start();
      return;
    case kTurn:
      if (which == turn_version_ && alive()) turn();
      return;
    case kSync:
      if (which != life_ || !alive()) return;
      sync_runs_ = false;
      return log_->finish_sync();
    case kSignal:
      signalled_ = true;
      return wake();
    default:
      break;
  }
}

void Process::schedule_turn(Instant at) {
  if (!alive() || at >= turn_at_) return;
  turn_at_ = at;
  world_.timeline.at(at, *this, kTurn, ++turn_version_);
}

void Process::port_called() const {
  if (settings_.power_cut > 0 && deaths_ < settings_.deaths_max && world_.random.chance(settings_.power_cut))
    throw PowerCut{};
}

void Process::start_sync(Duration duration) {
  sync_runs_ = true;
  world_.timeline.after(duration, *this, kSync, life_);
}

// ---- the ports

Instant Process::now() const {
  port_called();
  return own_time();
}

Instant Process::own_time() const {
  const Instant now = world_.timeline.now() - clock_behind_;
  return sabotage_ ? now + sabotage_->clock_ahead(Duration(now.ns)) : now;
}

WallTime Process::wall() const { return {Provider::wall(world_.timeline.now() + wall_ahead_)}; }

void Process::submit(ExchangeId id, HttpRequest request) {
  port_called();
  const std::int64_t prompt = Questions::number_in(request.body);
  Exchange& exchange = exchanges_[id.value] = {};
  exchange.prompt = prompt;
  if (prompt > 0) {
    ++attempts_;
    for (int i = sabotage_ && sabotage_->sends_twice() ? 2 : 1; i > 0; --i)
      world_.audit.sent(index_, prompt, static_cast<double>(world_.questions.tokens(prompt)), signalled_);
  }
  world_.wire.submit(*this, id, prompt, request);
}

void Process::cancel(ExchangeId id) {
  port_called();
  world_.wire.cancel(*this, id);
  const auto found = exchanges_.find(id.value);
  if (found == exchanges_.end()) return;
  if (found->second.prompt != 0) world_.audit.cancelled(index_, found->second.prompt, found->second.bytes);
  exchanges_.erase(found);
}

void Process::pause(ExchangeId id, bool paused) {
  port_called();
  if (sabotage_ && sabotage_->swallows_pause()) return;
  world_.wire.pause(*this, id, paused);
}

std::span<NetEvent> Process::wait(Instant) { return {}; }  // the world turns the loop

void Process::wake() noexcept {
  woken_ = true;
  if (!in_turn_) schedule_turn(world_.timeline.now() + settings_.turn_takes);
}

void Process::deliver(NetEvent event) {
  inbox_.push_back(std::move(event));
  if (!in_turn_) schedule_turn(world_.timeline.now() + settings_.turn_takes);
}

FeedEvent Process::poll() {
  port_called();
  if (sabotage_ && sabotage_->skips_prompt()) ++next_prompt_;
  if (next_prompt_ >= settings_.prompts) return EndOfPrompts{};
  PromptRow row{"sim", settings_.corpus * kPromptsPerCorpus + ++next_prompt_, {}, {}, nullptr};
  row.messages = Json::array({{{"role", "user"}, {"content", world_.questions.text(row.row)}}});
  return row;
}

std::optional<double> Process::fraction_read() const {
  return static_cast<double>(next_prompt_) / static_cast<double>(settings_.prompts);
}

Instant Process::progress(const HarvestStats& stats, Instant) {
  failed_rows_ = stats.failed;
  return Instant::never();
}

}  // namespace retort::simulation
