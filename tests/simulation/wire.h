// The simulated network between processes and a teacher: latency, jitter and therefore reordering, dead connections,
// resets, time-outs, bodies that come in portions and stop while nobody reads.
#pragma once

#include <cstdint>
#include <unordered_map>
#include <vector>

#include "core/base/random.h"
#include "core/net/transport.h"
#include "tests/simulation/endpoints.h"
#include "tests/simulation/timeline.h"

namespace retort::simulation {

struct NetworkSettings {
  Duration latency = 50ms;         ///< one way
  Duration jitter = 10ms;          ///< added to each way, uniform: what was sent later may arrive first
  double unreachable = 0;          ///< probability that a connection is refused: the request never leaves
  double reset = 0;                ///< probability that it is reset before the request arrives
  double reset_back = 0;           ///< probability that the reply is lost on its way, paid for
  std::size_t portion = 16 << 10;  ///< bytes of a body that arrive together
  Duration between_portions = 1ms;
};

/// What a server sends back, and how its sending ends.
struct Reply {
  HttpHead head;
  std::string body;
  NetFault end = NetFault::none;  ///< after the body's last byte
};

/// A process's end of the wire.
class Caller {
 public:
  virtual void deliver(NetEvent event) = 0;
  /// A process that does not run reads nothing either: what comes waits until then.
  virtual Instant reads_from() const = 0;

 protected:
  ~Caller() = default;
};

/// Names one exchange at the server's end, for as long as the server has not replied.
using ServerKey = std::uint64_t;

class Server {
 public:
  virtual void arrive(ServerKey key, std::int64_t prompt) = 0;

 protected:
  ~Server() = default;
};

class Wire final : private Actor, public Endpoints::Victim {
 public:
  Wire(Timeline& timeline, NetworkSettings settings, Random& random)
      : timeline_(timeline), settings_(settings), random_(random) {}
  void connect(Server& server) { server_ = &server; }
  /// The teacher has several servers; else there is one that never dies.
  void lead_to(Endpoints& endpoints) { endpoints_ = &endpoints; }
  void endpoint_died(int endpoint) override;
  /// While down nobody can be reached.
  void set_down(bool down) { down_ = down; }
  std::size_t portion() const { return settings_.portion; }

  // ---- the client's end
  void submit(Caller& caller, ExchangeId id, std::int64_t prompt, const HttpRequest& request);
  void cancel(Caller& caller, ExchangeId id);
  void pause(Caller& caller, ExchangeId id, bool paused);
  /// The process is gone, and its connections with it.
  void hang_up(Caller& caller);

  // ---- the server's end
  std::int64_t prompt(ServerKey key) const { return exchanges_[slot_of(key)].prompt; }
  /// Once for each key.
  void reply(ServerKey key, Reply reply);
  /// It never will.
  void stay_silent(ServerKey key);

 private:
  struct Exchange {
    std::uint32_t generation = 0;
    Caller* caller = nullptr;  ///< null once the client has no interest any more
    ExchangeId id;
    std::int64_t prompt = 0;
    int endpoint = 0;
    Instant submitted, deadline, first_byte;
    bool server_done = false, paused = false, waits = false, head_given = false;
    Reply reply;
    std::size_t given = 0;
  };
  enum What : std::uint32_t { kArrive, kRefuse, kReset, kVanish, kDeliver, kTimeout };

  void happen(std::uint32_t what, std::uint64_t key) override;
  void deliver(ServerKey key);
  void end(ServerKey key, NetFault fault, const char* detail, bool possibly_billed);
  void free_if_over(std::size_t slot);
  Exchange* find(ServerKey key);
  static std::size_t slot_of(ServerKey key) { return static_cast<std::size_t>(key & 0xffffffff); }
  ServerKey key_of(Caller& caller, ExchangeId id) const;
  Duration one_way() { return settings_.latency + random_.jitter(settings_.jitter); }

  Timeline& timeline_;
  NetworkSettings settings_;
  Random& random_;
  Server* server_ = nullptr;
  Endpoints* endpoints_ = nullptr;
  bool down_ = false;
  std::vector<Exchange> exchanges_;
  std::vector<std::size_t> free_;
  std::unordered_map<Caller*, std::unordered_map<std::uint64_t, ServerKey>> open_;
};

}  // namespace retort::simulation
