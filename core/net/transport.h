// The port to the network, and the only place where retort waits. Everything that happens to a
// request comes out of wait() as a value, so a simulated world can stand in for the real one.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "core/base/instant.h"

namespace retort {

/// Chosen by the caller, unique among the exchanges of one transport's life.
struct ExchangeId {
  std::uint64_t value = 0;
  friend constexpr auto operator<=>(ExchangeId, ExchangeId) = default;
};

using HttpHeader = std::pair<std::string, std::string>;

struct HttpRequest {
  std::string method = "POST";
  std::string url;
  std::vector<HttpHeader> headers;  ///< may hold the credential: never logged, never stored
  std::string body;

  Duration connect_timeout = 30s;
  Duration total_timeout = 30min;  ///< from submit to the last byte
  /// Streaming only: until the first byte of the body, since many servers send the head before they begin to think. An
  /// unstreamed answer has none until it is complete.
  std::optional<Duration> first_byte_timeout;
  std::optional<Duration> idle_timeout;   ///< streaming only: between two portions of the body
  std::size_t body_bytes_max = 16 << 20;  ///< after decompression; more ends the exchange as `too_large`
};

/// Status and headers of the final response (an interim 1xx is swallowed).
struct HttpHead {
  int status = 0;
  std::vector<HttpHeader> headers;  ///< names in lower case, in order of arrival

  /// The first value of that name (given in lower case), or nothing.
  std::optional<std::string_view> find(std::string_view name) const {
    for (const auto& [key, value] : headers) {
      if (key == name) return value;
    }
    return {};
  }
};

/// How an exchange ended. `none`: a complete HTTP response, whatever its status.
enum class NetFault {
  none,
  resolve,    ///< the name has no address
  connect,    ///< nobody listens, or no route
  tls,        ///< certificate or handshake
  timeout,    ///< any of the time-outs
  broken,     ///< cut before the end of the response, or bytes that are not HTTP
  too_large,  ///< body_bytes_max, or headers beyond reason
  local,      ///< our own side: no descriptors, no memory
};

struct ExchangeTiming {
  Duration first_byte{};  ///< from submit to the first byte of the response; zero if none came
  Duration total{};
};

struct ResponseHead {
  ExchangeId id;
  HttpHead head;
};
struct ResponseBytes {
  ExchangeId id;
  std::string bytes;  ///< decompressed
};
struct ResponseEnd {
  ExchangeId id;
  NetFault fault = NetFault::none;
  std::string detail;           ///< one line for people; empty if fault is none
  bool possibly_billed = true;  ///< false where the request surely never reached the server
  ExchangeTiming timing;
};
/// Somebody called wake(): a corpus has completions, or a signal arrived.
struct Woken {};

using NetEvent = std::variant<ResponseHead, ResponseBytes, ResponseEnd, Woken>;

class Transport {
 public:
  virtual ~Transport() = default;

  /// Queues a request. Never blocks, never fails: everything, bad URLs too, comes out of wait().
  virtual void submit(ExchangeId id, HttpRequest request) = 0;

  /// Ends an exchange early; no event of it comes afterwards. Unknown ids are ignored.
  virtual void cancel(ExchangeId id) = 0;

  /// Stops reading the response of an exchange, or goes on with it: how a full memory or a slow disk reaches the wire.
  /// What was read already still comes out of wait(). Its total time-out goes on, its idle and first-byte time-outs do
  /// not. Unknown ids are ignored.
  virtual void pause(ExchangeId id, bool paused) = 0;

  /// Sleeps until something happens or `deadline` passes; then returns what happened, perhaps
  /// nothing. Per exchange: at most one head, then bytes, then exactly one end. The span is valid
  /// until the next call of any member.
  virtual std::span<NetEvent> wait(Instant deadline) = 0;

  /// Makes the current or next wait() return with a Woken. The only member that other threads and
  /// signal handlers may call.
  virtual void wake() noexcept = 0;
};

}  // namespace retort
