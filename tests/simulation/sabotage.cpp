#include "tests/simulation/sabotage.h"

#include <algorithm>
#include <map>

#include "core/base/assert.h"

namespace retort::simulation {
namespace {

/// Says that attempts are on record before they are.
class BegunTooEarly final : public Sabotage {
 public:
  void entry(LogEntry& entry) override {
    if (const auto* begin = std::get_if<Begin>(&entry)) {
      Begun early;
      for (std::size_t i = 0; i < begin->attempts.size(); ++i) early.attempts.push_back(++last_);
      early_.push_back(std::move(early));
    }
  }
  void log_events(std::vector<LogEvent>& events) override {
    events.erase(std::remove_if(events.begin(), events.end(),
                                [](const LogEvent& event) { return std::holds_alternative<Begun>(event); }),
                 events.end());
    for (Begun& early : early_) events.push_back(std::move(early));
    early_.clear();
  }

 private:
  RowId last_ = 0;  // a fresh corpus numbers its attempts so
  std::vector<Begun> early_;
};

/// Stores that a request was asked, and not what was answered.
class ForgetsAnswers final : public Sabotage {
 public:
  void entry(LogEntry& entry) override {
    if (auto* end = std::get_if<End>(&entry)) {
      for (AttemptEnd& attempt : end->attempts) {
        attempt.response.reset();
        attempt.request_status = RequestStatus::pending;
      }
    }
  }
};

/// Says that the first outcomes are stored, and does not store them.
class DropsOutcomes final : public Sabotage {
 public:
  void entry(LogEntry& entry) override {
    auto* end = std::get_if<End>(&entry);
    if (end == nullptr || std::exchange(done_, true)) return;
    for (const AttemptEnd& attempt : end->attempts) claimed_.attempts.push_back(attempt.attempt);
    entry = MarkSent{};
  }
  void log_events(std::vector<LogEvent>& events) override {
    if (!claimed_.attempts.empty()) events.push_back(std::exchange(claimed_, {}));
  }

 private:
  Ended claimed_;
  bool done_ = false;
};

/// Takes a refusal for a failed attempt.
class ChargesRefusals final : public Sabotage {
 public:
  void entry(LogEntry& entry) override {
    if (auto* end = std::get_if<End>(&entry)) {
      for (AttemptEnd& attempt : end->attempts) {
        if (attempt.outcome == AttemptOutcome::refused) attempt.outcome = AttemptOutcome::failed;
      }
    }
  }
};

/// Gives up what may be asked again.
class GivesUpEarly final : public Sabotage {
 public:
  void entry(LogEntry& entry) override {
    if (auto* end = std::get_if<End>(&entry)) {
      for (AttemptEnd& attempt : end->attempts) {
        if (!attempt.response) attempt.request_status = RequestStatus::failed;
      }
    }
  }
};

/// Takes a failed sync for a disk that is only full.
class TriesFailedSyncAgain final : public Sabotage {
 public:
  void log_events(std::vector<LogEvent>& events) override {
    for (LogEvent& event : events) {
      if (auto* failed = std::get_if<LogFailed>(&event)) failed->retryable = true;
    }
  }
};

/// Does not hear that the disk failed.
class OverlooksDisk final : public Sabotage {
 public:
  void log_events(std::vector<LogEvent>& events) override {
    events.erase(std::remove_if(events.begin(), events.end(),
                                [](const LogEvent& event) { return std::holds_alternative<LogFailed>(event); }),
                 events.end());
  }
};

class SendsTwice final : public Sabotage {
 public:
  bool sends_twice() override { return ++count_ % 20 == 0; }

 private:
  int count_ = 0;
};

/// Reads no wish to be left alone.
class IgnoresRetryAfter final : public Sabotage {
 public:
  void net_events(std::vector<NetEvent>& events) override {
    for (NetEvent& event : events) {
      auto* head = std::get_if<ResponseHead>(&event);
      if (head == nullptr) continue;
      auto& headers = head->head.headers;
      headers.erase(std::remove_if(headers.begin(), headers.end(),
                                   [](const HttpHeader& header) { return header.first == "retry-after"; }),
                    headers.end());
    }
  }
};

/// Mixes up two answers that come together.
class SwapsAnswers final : public Sabotage {
 public:
  void net_events(std::vector<NetEvent>& events) override {
    ResponseBytes* first = nullptr;
    for (NetEvent& event : events) {
      auto* bytes = std::get_if<ResponseBytes>(&event);
      if (bytes == nullptr) continue;
      if (first != nullptr) {
        std::swap(first->bytes, bytes->bytes);
        return;
      }
      first = bytes;
    }
  }
};

class NeverPauses final : public Sabotage {
 public:
  bool swallows_pause() override { return true; }
};

class HidesSignal final : public Sabotage {
 public:
  bool hides_signal() override { return true; }
};

/// Never learns how one exchange ended.
class LosesAnEnd final : public Sabotage {
 public:
  void net_events(std::vector<NetEvent>& events) override {
    const auto found = std::find_if(events.begin(), events.end(),
                                    [](const NetEvent& event) { return std::holds_alternative<ResponseEnd>(event); });
    if (lost_ || found == events.end()) return;
    events.erase(found);
    lost_ = true;
  }

 private:
  bool lost_ = false;
};

/// Paces by a clock that is half as fast again.
class FastClock final : public Sabotage {
 public:
  Duration clock_ahead(Duration elapsed) override { return elapsed / 2; }
};

/// Takes a second for a twentieth of one.
class SlowClock final : public Sabotage {
 public:
  Duration clock_ahead(Duration elapsed) override { return -elapsed / 20 * 19; }
};

/// What happens depends on what happened in earlier worlds.
class Remembers final : public Sabotage {
 public:
  Remembers() : phase_(++worlds) {}
  bool sends_twice() override { return ++count_ % (20 + phase_) == 0; }

 private:
  static inline int worlds = 0;
  int phase_, count_ = 0;
};

/// Is told that questions stand otherwise than they do.
template <RequestStatus is, RequestStatus told>
class Misreads final : public Sabotage {
 public:
  void log_events(std::vector<LogEvent>& events) override {
    for (LogEvent& event : events) {
      auto* known = std::get_if<Registered>(&event);
      if (known == nullptr) continue;
      for (RequestState& state : known->states) {
        if (state.status == is) state.status = told;
      }
    }
  }
};

/// Takes answers for a trouble that passes.
class MistakesAnswers final : public Sabotage {
 public:
  void net_events(std::vector<NetEvent>& events) override {
    for (NetEvent& event : events) {
      if (auto* head = std::get_if<ResponseHead>(&event); head != nullptr && ++count_ % 10 == 0)
        head->head.status = 503;
    }
  }

 private:
  int count_ = 0;
};

/// Leaves on record what was never sent.
class NeverReleases final : public Sabotage {
 public:
  void entry(LogEntry& entry) override {
    if (std::holds_alternative<Release>(entry)) entry = MarkSent{};
  }
};

class StoresTwice final : public Sabotage {
 public:
  void entry(LogEntry& entry) override {
    auto* end = std::get_if<End>(&entry);
    if (end == nullptr) return;
    const std::vector<AttemptEnd> once = end->attempts;
    end->attempts.insert(end->attempts.end(), once.begin(), once.end());
  }
  void log_events(std::vector<LogEvent>& events) override {
    for (LogEvent& event : events) {
      if (auto* ended = std::get_if<Ended>(&event)) ended->attempts.resize(ended->attempts.size() / 2);
    }
  }
};

/// Notes as answered what has failed.
class NotesFailuresAsAnswered final : public Sabotage {
 public:
  void entry(LogEntry& entry) override {
    if (auto* end = std::get_if<End>(&entry)) {
      for (AttemptEnd& attempt : end->attempts) {
        if (attempt.request_status == RequestStatus::failed) attempt.request_status = RequestStatus::answered;
      }
    }
  }
};

class SkipsAPrompt final : public Sabotage {
 public:
  bool skips_prompt() override { return ++count_ == 100; }

 private:
  int count_ = 0;
};

template <class T>
std::unique_ptr<Sabotage> make() {
  return std::make_unique<T>();
}

}  // namespace

std::unique_ptr<Sabotage> make_sabotage(const std::string& bug) {
  static const std::map<std::string, std::unique_ptr<Sabotage> (*)()> kBugs = {
      {"begun too early", make<BegunTooEarly>},
      {"forgets answers", make<ForgetsAnswers>},
      {"drops outcomes", make<DropsOutcomes>},
      {"charges refusals", make<ChargesRefusals>},
      {"gives up early", make<GivesUpEarly>},
      {"tries a failed sync again", make<TriesFailedSyncAgain>},
      {"overlooks the disk", make<OverlooksDisk>},
      {"sends twice", make<SendsTwice>},
      {"ignores retry-after", make<IgnoresRetryAfter>},
      {"swaps answers", make<SwapsAnswers>},
      {"never pauses", make<NeverPauses>},
      {"hides the signal", make<HidesSignal>},
      {"loses an end", make<LosesAnEnd>},
      {"fast clock", make<FastClock>},
      {"slow clock", make<SlowClock>},
      {"remembers", make<Remembers>},
      {"overlooks answers", make<Misreads<RequestStatus::answered, RequestStatus::pending>>},
      {"takes all for answered", make<Misreads<RequestStatus::pending, RequestStatus::answered>>},
      {"mistakes answers", make<MistakesAnswers>},
      {"never releases", make<NeverReleases>},
      {"stores twice", make<StoresTwice>},
      {"notes failures as answered", make<NotesFailuresAsAnswered>},
      {"skips a prompt", make<SkipsAPrompt>},
  };
  if (bug.empty()) return nullptr;
  const auto found = kBugs.find(bug);
  RETORT_ASSERT(found != kBugs.end());
  return found->second();
}

}  // namespace retort::simulation
