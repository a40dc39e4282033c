// The simulated teacher: a gateway with limits in front of something that takes time to answer, and sometimes
// misbehaves in one of the ways of docs/faults.md. It keeps its own books, which the checkers compare with ours.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <unordered_map>
#include <vector>

#include "core/base/random.h"
#include "tests/simulation/audit.h"
#include "tests/simulation/questions.h"
#include "tests/simulation/sim_teacher.h"
#include "tests/simulation/wire.h"

namespace retort::simulation {

/// How replies go wrong: each with this probability.
struct FaultSettings {
  double transient = 0;        ///< 5xx, 408, junk, cut bodies, empty replies: worth another attempt
  double permanent = 0;        ///< 400, 413, 422: that request will never work
  double silence = 0;          ///< no reply ever: a time-out, paid for
  double stop = 0;             ///< 401, 403 or a quota that is used up: the harvest stops
  Duration down_every{};       ///< mean time between outages in which nobody can be reached; zero: none
  double odd_retry_after = 0;  ///< of the refusals: a date, absurdly long, negative, zero, or junk
  Duration down_for = 5s;      ///< how long they are, at most
  std::size_t body_bytes = 0;  ///< answers are padded up to so many bytes, uniformly
};

/// A self-hosted server instead of a provider: see BatchingServer.
struct BatchingSettings {
  int batch = 8;
  double tokens_per_second = 50;
  Duration prefill = 100ms;
  std::vector<std::pair<Duration, int>> changes;  ///< after so long, so many decode together
};

struct ProviderSettings {
  GatewaySettings gateway;
  Duration prefill = 200ms;
  double answer_tokens_per_second = 100;
  std::optional<BatchingSettings> batching;  ///< then the two above mean nothing
  Duration ready_after{};                    ///< until then it is still loading its model
  FaultSettings faults;
  double usage_factor = 1;  ///< tokens as its replies state them, for each of ours
};

class Provider final : public Server, private Actor {
 public:
  Provider(Timeline& timeline, ProviderSettings settings, const Questions& questions, Wire& wire, Random& random,
           Audit& audit);

  void arrive(ServerKey key, std::int64_t prompt) override;

  /// Whether a body that begins so is an answer of ours, and no junk.
  static bool is_answer(std::string_view body);
  /// The text of a prompt's answer begins so.
  static std::string answer_text(std::int64_t prompt) { return "a" + std::to_string(prompt) + ' '; }
  /// Milliseconds since 1970 at an instant of the world.
  static std::int64_t wall(Instant now) { return 1'800'000'000'000 + now.ns / 1'000'000; }

  const Gateway& gateway() const { return gateway_; }
  int in_flight() const { return in_flight_; }
  double tokens_answered() const { return tokens_answered_; }

 private:
  enum What : std::uint32_t { kAnswer, kBatchDone, kBatchChange, kOutage, kOutageEnds };
  void happen(std::uint32_t what, std::uint64_t which) override;
  void refuse(ServerKey key, std::int64_t prompt, Gateway::Ruling ruling);
  Reply introduction() const;
  void answer(ServerKey key);
  std::string odd_retry_after();
  void bill(std::int64_t prompt, Audit::Bill bill);
  void start_next_batch();
  void plan_outage();
  bool misbehaves(std::int64_t prompt, Reply& reply);
  Reply transient_fault(std::int64_t prompt);
  Reply stop_reply();
  std::string answer_body(std::int64_t prompt);

  Timeline& timeline_;
  const ProviderSettings settings_;
  const Questions& questions_;
  Wire& wire_;
  Random& random_;
  Audit& audit_;
  Gateway gateway_;
  const Instant started_;
  std::optional<BatchingServer> batching_;
  std::uint64_t batch_version_ = 0;
  int in_flight_ = 0;
  double tokens_answered_ = 0;
  std::unordered_map<ServerKey, std::vector<HttpHeader>> headers_;  // of replies to come
};

}  // namespace retort::simulation
