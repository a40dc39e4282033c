// The checkers. They see the wire, the teacher's books and what is durable, none of it through the harvester's eyes,
// and say what broke a promise.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/base/instant.h"
#include "core/corpus/records.h"
#include "core/harvest/harvester.h"
#include "core/net/transport.h"

namespace retort::simulation {

/// Prompts of different corpora have different numbers.
constexpr std::int64_t kPromptsPerCorpus = 1'000'000'000;

/// What a checker found wrong; empty if nothing.
using Findings = std::vector<std::string>;

/// What one harvest promises: the settings that its user gave, whatever the process makes of them.
struct Promises {
  Limits limits;
  Caps caps;
  RetrySettings retry;
  std::size_t response_bytes_max = 256u << 20;
  std::size_t body_bytes_max = 0;             ///< one reply may go on when the others pause
  double request_burst = 0, token_burst = 0;  ///< beyond these no window may exceed its rate; as the teacher allows
  double price_input = 0, price_output = 0;   ///< dollars a million tokens, what the teacher charges
  bool limits_are_secret = false;             ///< there are some, and neither user nor teacher tells them
  bool shares_pace = false;
};

/// A meter that never refuses: more than `burst` above the rate, in any window whatever, shows as an excess.
class Window {
 public:
  void add(double amount, double per_minute, Instant now) {
    excess_ = std::max(0.0, excess_ - per_minute / 60 * seconds(now - at_)) + amount;
    at_ = now;
  }
  void give_back(double amount) { excess_ -= amount; }
  double excess() const { return excess_; }

 private:
  double excess_ = 0;
  Instant at_;
};

class Audit {
 public:
  /// `text`: also keeps the transcript as lines, for people.
  Audit(const Instant& now, bool text) : now_(now), keeps_text_(text) {}

  /// Declares a process and the corpus that it harvests into. In order of their numbers.
  void add_process(const Promises& promises, int corpus);

  // ---- at the ports of a process
  void started(int process);
  void sent(int process, std::int64_t prompt, double tokens, bool stop_was_requested);
  /// The harvester is being told: how an exchange ended, and what silence its reply asked for.
  struct Heard {
    std::int64_t prompt = 0;
    NetFault fault = NetFault::none;
    int status = 0;
    bool good = false;  ///< a whole answer
    std::optional<Duration> silence;
    std::optional<Duration> reset;  ///< of a refusal: when the limit that is used up is whole again
    std::size_t bytes = 0;
  };
  void heard(int process, const Heard& heard);
  void heard_bytes(int process, std::size_t bytes, std::size_t portion);
  void cancelled(int process, std::int64_t prompt, std::size_t bytes);
  void disk_failed(int process) { processes_[static_cast<std::size_t>(process)].disk_failed = true; }
  /// After a turn that leaves nothing under way and nothing to wait for.
  void waits_for_ever(int process);
  void slept(Duration duration) { slept_until_ = std::max(slept_until_, now_ + duration); }
  void died(int process);
  /// `stored`: all that was submitted is durable.
  void left(int process, const HarvestReport& report, bool stored);

  // ---- the teacher's books
  enum class Bill { answer, error, spoilt, silent, permanent, nothing };
  void admitted(std::int64_t prompt);
  void refused(std::int64_t prompt);
  void billed(std::int64_t prompt, double input, double output, Bill bill);

  // ---- what is durable
  void begun(std::int64_t prompt);
  void released(std::int64_t prompt);
  void ended(std::int64_t prompt, const AttemptEnd& end);

  void find(std::string what);
  const Findings& findings() const { return findings_; }
  std::uint64_t digest() const { return digest_; }
  const std::string& text() const { return text_; }
  std::int64_t refusals() const { return refusals_; }
  double dollars(int corpus) const { return corpora_[static_cast<std::size_t>(corpus)].dollars; }

 private:
  struct Book {        // of one prompt
    int process = -1;  ///< that sent it last
    int begun = 0;     ///< durable attempts of this life that were not sent
    bool open = false;
    bool in_hand = false;
    bool answered = false;
    int charged = 0, timeouts = 0;
    bool permanent = false;
    bool reached_teacher = false;  ///< the newest attempt did
    bool last_was_free = false;    ///< the newest attempt was refused, or never reached anybody
    std::size_t bytes = 0;
    double tokens = 0;
  };
  struct Process {
    Promises promises;
    int corpus = 0;
    Instant silent_until, held_until, active_at, left_at;
    Instant silence_before;   ///< what was asked before the newest wish that another heard
    Instant told_silence_at;  ///< when it heard a wish itself
    Window requests, tokens;
    std::int64_t open = 0;
    std::size_t bytes = 0;
    bool disk_failed = false;
    bool alive = false;
  };
  struct Corpus {
    double dollars = 0, tokens = 0;
    std::int64_t admitted = 0;
  };

  Book& book(std::int64_t prompt);
  Process& window_keeper(Process& process);
  Process& owner(const Book& book) { return processes_[static_cast<std::size_t>(book.process < 0 ? 0 : book.process)]; }
  void note(const char* what, int process, std::int64_t prompt, std::int64_t value = 0);
  void check_limits(Process& process, std::int64_t prompt, double tokens);
  void check_progress(Process& process);
  void forget_life(int process);

  const Instant& now_;
  const bool keeps_text_;
  std::vector<Process> processes_;
  std::vector<Corpus> corpora_;
  std::unordered_map<std::int64_t, Book> books_;
  Findings findings_;
  std::string text_;
  std::uint64_t digest_ = 0x9e3779b97f4a7c15ULL;
  std::int64_t refusals_ = 0;
  Instant slept_until_;
};

}  // namespace retort::simulation
