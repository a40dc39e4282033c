// The loop that drives a harvest. It holds the clock and owns the flow; limiter, retry policy and dialect decide,
// transport and log touch the world, and only the transport sleeps.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <unordered_set>

#include "core/base/clock.h"
#include "core/base/random.h"
#include "core/corpus/corpus.h"
#include "core/harvest/budget.h"
#include "core/harvest/rate_limiter.h"
#include "core/harvest/retry_policy.h"
#include "core/net/transport.h"
#include "core/prompt/prompt_feed.h"
#include "core/teacher/teacher.h"

namespace retort {

struct HarvestSettings {
  std::string dialect, model;  ///< for the identity of requests
  /// Base URLs of a teacher with several servers, the dialect's own first; fewer than two: there is one.
  std::vector<std::string> endpoints;
  std::string credential;  ///< the key itself; empty for a teacher without one. Never logged, redacted from replies
  Json parameters = Json::object();
  std::optional<std::int64_t> max_tokens;
  int samples = 1;
  int choices_max = 1;  ///< samples of a prompt that one request may ask for, where they differ in nothing sent
  bool stream = false;
  std::vector<std::string> follow_ups;  ///< what the user says next to each answer, and to the answer to that, …
  /// Why an answer's text is not of the wanted shape, empty if it is; unset: any will do.
  std::function<std::string(const std::string& text)> problem_with;
  int validate_tries = 2;  ///< answers of the wrong shape after which a request has failed for good
  Limits limits;
  RetrySettings retry;
  Caps caps;
  Spent spent;                                  ///< by earlier runs of the corpus
  bool wait_until_ready = false;                ///< ask the server about itself first, and wait for it
  std::size_t response_bytes_max = 256u << 20;  ///< in memory, over all connections; reading pauses beyond it
  Duration connect_timeout = 30s;
  Duration total_timeout = 30min;
  Duration first_byte_timeout = 2min;  ///< of a stream: until its body begins
  Duration idle_timeout = 1min;        ///< of a stream: between two portions of it
  std::size_t body_bytes_max = 16u << 20;
  bool retry_failed = false;     ///< ask again what failed for good
  bool retry_truncated = false;  ///< ask again what was cut at the token limit
  bool skip_bad_rows = false;    ///< count unusable prompt rows and go on, instead of stopping at the first
  Duration drain = 60s;          ///< how long a stop waits for what is on the wire
  std::uint64_t seed = 0;        ///< of the retry jitter
};

/// Where a harvest stands. Counts are of this run unless they say otherwise.
struct HarvestStats {
  std::int64_t rows = 0;              ///< prompt rows read
  std::int64_t bad_rows = 0;          ///
  std::int64_t repeated = 0;          ///< requests of this run that another row had asked already
  std::int64_t already_answered = 0;  ///< by earlier runs
  std::int64_t already_failed = 0;    ///< for good, by earlier runs
  std::int64_t answered = 0;          ///
  std::int64_t truncated = 0;         ///< of the answered
  std::int64_t refusals = 0;          ///< of the answered: the model declined
  std::int64_t invalid = 0;           ///< answers that were not of the wanted shape
  std::int64_t failed = 0;            ///< for good
  std::int64_t rate_limited = 0;      ///< 429s
  std::int64_t retries = 0;           ///< attempts beyond a request's first
  std::int64_t attempts = 0;          ///< sent
  std::int64_t possibly_billed = 0;   ///< attempts without an answer that may have cost money
  std::int64_t unfinished = 0;        ///< read and wanted, not yet answered or failed
  int in_flight = 0;
  int in_flight_limit = 0;
  double requests_per_second_allowed = 0;  ///< by the limits as known; zero: none is known
  Cost used;
  std::optional<double> fraction_read;
  bool all_read = false;
  bool draining = false;
  Instant held_until;  ///< the teacher asked for silence
  std::string hold_reason;
  std::vector<std::pair<std::string, std::int64_t>> failures;  ///< error word → requests that failed for good
  std::string last_failure;                                    ///< the newest error's word and detail
};

/// Sees everything, decides nothing.
class HarvestObserver {
 public:
  virtual ~HarvestObserver() = default;
  /// Called once a turn of the loop; returns when it wants to be called again at the latest.
  virtual Instant progress(const HarvestStats& stats, Instant now) = 0;
  /// One line worth telling at once: a bad row, a long wait, a stop.
  virtual void notice(const std::string& line) = 0;
};

struct HarvestReport {
  HarvestStats stats;
  std::optional<Error> stopped;  ///< why it ended before everything was asked; nothing if it did not
};

/// One harvest of one teacher. Not reusable; used from one thread.
class Harvester {
 public:
  /// `pace`: where this teacher's pace is kept; a process alone uses a PrivatePace.
  Harvester(const Clock& clock, Transport& transport, HarvestLog& log, PromptFeed& prompts, const Teacher& teacher,
            PaceBook& pace, HarvestSettings settings, HarvestObserver& observer);
  ~Harvester();

  /// Returns when every prompt is answered or has failed, or the teacher, the disk or the user said stop and what was
  /// on the wire is on disk. `stop_requested` is asked once a turn; wake the transport to make it turn.
  HarvestReport run(const std::function<bool()>& stop_requested);

  /// One turn of the loop, for a world that drives several harvesters: acts on what the transport's wait() returned
  /// (nothing at first) and says until when to wait next; nothing when the harvest is over.
  std::optional<Instant> turn(std::span<NetEvent> events, bool stop_requested);
  /// After the last turn.
  HarvestReport report();

 private:
  class Loop;
  Transport& transport_;
  std::unique_ptr<Loop> loop_;
};

}  // namespace retort
