// Teachers as arithmetic: what a provider's gateway admits, and how long a batching server takes. The simulated world
// and the benchmarks of pacing ask them; they own no clock.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/base/instant.h"
#include "core/base/random.h"
#include "core/net/transport.h"

namespace retort::simulation {

/// A gateway that enforces limits, as providers do and as badly as they do.
struct GatewaySettings {
  double requests_per_minute = 0;         ///< zero: no such limit
  double tokens_per_minute = 0;           ///<
  Duration bucket = 60s;                  ///< how much of each limit may come at once: 1 s makes 60,000/min a 1,000/s
  bool fixed_windows = false;             ///< counts anew at each multiple of `bucket`, instead of refilling steadily
  int in_flight_max = 0;                  ///< zero: any number
  double token_factor = 1;                ///< counts so many tokens for each of ours
  bool charges_refused = false;           ///< a refused request is taken from the allowance as well
  bool whole_second_retry_after = false;  ///< rounded up
  bool sends_retry_after = true;
  bool sends_limits = true;  ///< x-ratelimit-{limit,remaining,reset}-{requests,tokens}
};

class Gateway {
 public:
  Gateway(GatewaySettings settings, Instant now);

  struct Ruling {
    bool admitted = false;
    std::vector<HttpHeader> headers;  ///< of the reply, whatever it is
    Duration retry_after{};           ///< as asked for in the headers; zero if admitted or not sent
  };
  /// A request of so many tokens (prompt and answer) arrives.
  Ruling ask(double tokens, Instant now);
  /// An admitted request has left.
  void leave() { --in_flight_; }

  std::int64_t admitted() const { return admitted_; }
  std::int64_t refused() const { return refused_; }
  double admitted_tokens() const { return admitted_tokens_; }  ///< as the gateway counts them

 private:
  struct Meter {
    double per_second = 0, capacity = 0, level = 0;
  };
  void fill(Instant now);
  Duration wait_for(const Meter& meter, double amount, Instant now) const;
  void announce(const Meter& meter, const char* what, Instant now, std::vector<HttpHeader>& headers) const;

  GatewaySettings settings_;
  Meter requests_, tokens_;
  Instant filled_at_;
  int in_flight_ = 0;
  std::int64_t admitted_ = 0, refused_ = 0;
  double admitted_tokens_ = 0;
};

/// A server that decodes up to `batch` answers together at full speed and lets the others wait their turn, first come
/// first served: its throughput saturates, its latency grows, and it never says 429. (Continuous batching: G. Yu et
/// al., "Orca", OSDI 2022.)
class BatchingServer {
 public:
  BatchingServer(int batch, double tokens_per_second, Duration prefill);

  /// A request arrives whose answer will have so many tokens.
  void arrive(std::uint64_t id, double tokens, Instant now);
  /// The next answer that will be complete if nothing else arrives; nothing if idle.
  std::optional<std::pair<Instant, std::uint64_t>> next() const;
  /// Takes that answer out (now is its instant) and starts the next in line.
  void complete(Instant now);
  /// More or fewer decode together from now on; those that decode already go on.
  void set_batch(int batch, Instant now);

  double tokens_done() const { return tokens_done_; }

 private:
  void start_waiting(Instant now);

  struct Waiting {
    std::uint64_t id;
    double tokens;
  };
  int batch_;
  double tokens_per_second_;
  Duration prefill_;
  std::map<std::pair<Instant, std::uint64_t>, double> decoding_;
  std::vector<Waiting> waiting_;
  std::size_t first_waiting_ = 0;
  double tokens_done_ = 0;
};

/// exp(N(log median, sigma)): how long answers are.
double log_normal(Random& random, double median, double sigma);

}  // namespace retort::simulation
