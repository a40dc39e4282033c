// One exchange after another over the transport, for work that has nothing else to do meanwhile: asks, waits, and asks
// again where that costs nobody anything.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "core/base/clock.h"
#include "core/base/random.h"
#include "core/base/result.h"
#include "core/harvest/retry_policy.h"
#include "core/net/transport.h"

namespace retort {

struct WireSettings {
  HttpHeader credential;  ///< empty name: none
  std::string key;        ///< the credential itself, redacted from what is told
  RetrySettings retry;
  int tries = 6;  ///< of what may be asked again, while the server fails
  Duration connect_timeout = 30s;
  Duration total_timeout = 30min;
  std::size_t body_bytes_max = 16u << 20;
};

struct WireReply {
  HttpHead head;
  std::string body;  ///< free of the credential
};

/// Why there is no good reply, and what that means for what was asked.
struct WireTrouble {
  Error error;
  int status = 0;                ///< of the last reply; 0 if none came
  bool may_have_worked = false;  ///< the server may have done it all the same
};

using WireResult = std::variant<WireReply, WireTrouble>;

class BatchWire {
 public:
  /// `stop_requested` is asked whenever it waits; wake the transport to make it look.
  BatchWire(const Clock& clock, Transport& transport, WireSettings settings, std::function<bool()> stop_requested,
            std::uint64_t seed);

  /// Asked until there is a 2xx, or a word that asking again will not change, or patience ends. Only for what does no
  /// harm when it is done twice.
  WireResult ask(const HttpRequest& request);
  /// Asked once, and a stop waits for its reply. A refusal that did nothing (429, no connection) is waited out and
  /// asked again.
  WireResult ask_once(const HttpRequest& request);
  /// As ask(), with the body handed over as it comes; `begin` is called before each try. `bytes` returns false to end
  /// it.
  WireResult stream(HttpRequest request, const std::function<void()>& begin,
                    const std::function<bool(std::string_view)>& bytes);

  /// False if it was stopped.
  bool sleep(Duration duration);
  /// Waits for a wake-up.
  void idle();
  bool stopped() const { return stop_requested_(); }

 private:
  struct Exchange {
    NetFault fault = NetFault::none;
    std::string detail;
    bool possibly_billed = false;
    bool stopped = false;
    WireReply reply;
  };
  Exchange exchange(const HttpRequest& asked, bool interruptible, const std::function<bool(std::string_view)>* bytes);
  WireResult repeat(const HttpRequest& request, bool harmless, const std::function<void()>& begin,
                    const std::function<bool(std::string_view)>* bytes);

  const Clock& clock_;
  Transport& transport_;
  const WireSettings settings_;
  const std::function<bool()> stop_requested_;
  Random random_;
  std::uint64_t last_exchange_ = 0;
};

}  // namespace retort
