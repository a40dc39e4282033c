// As much of an HTTP/2 server over TLS as tests need: it answers, refuses, resets and says goodbye at the frame asked
// for, which no server off the shelf does. Header fields of requests are not decoded.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>

#include "tests/support/raw_server.h"
#include "tests/support/tls_identity.h"

namespace retort {

constexpr std::uint32_t kH2InternalError = 2, kH2RefusedStream = 7;

/// One connection, used by its own thread only.
class H2Connection {
 public:
  /// Called when a request is complete.
  using Serve = std::function<void(H2Connection&, std::uint32_t stream, const std::string& body)>;

  H2Connection(SSL* tls, int index) : tls_(tls), index_(index) {}
  int index() const { return index_; }  ///< 0 for the server's first connection
  /// Streams open at once, at most.
  std::size_t most_open() const { return most_open_; }

  /// Status 200 and the body, as fast as the client's windows and the socket allow.
  void reply(std::uint32_t stream, std::string body);
  void reset(std::uint32_t stream, std::uint32_t error);
  /// Nothing after `last_stream` was or will be looked at.
  void goaway(std::uint32_t last_stream);

  /// Until the client is gone. A stream beyond `max_streams` is refused: a client may open some before it knows.
  void run(int max_streams, const Serve& serve);

 private:
  struct Outgoing {
    std::uint32_t stream;
    std::string body;
    std::size_t sent = 0;
  };
  bool read(std::size_t count, std::string& bytes);
  void frame(std::uint8_t type, std::uint8_t flags, std::uint32_t stream, std::string_view payload);
  bool take_frame(const Serve& serve);
  void take_settings(std::string_view payload);
  void request_complete(std::uint32_t stream, const Serve& serve);
  void pump();

  SSL* tls_;
  int index_;
  bool broken_ = false;
  std::int64_t first_window_ = 65535, window_ = 65535;
  std::map<std::uint32_t, std::int64_t> windows_;
  std::map<std::uint32_t, std::string> bodies_;
  std::deque<Outgoing> outgoing_;
  std::set<std::uint32_t> open_;
  std::size_t most_open_ = 0, max_open_ = 0;
};

/// For a RawServer: TLS, the choice of h2, then H2Connection::run. `context` must outlive the server.
RawServer::Serve h2_serving(SSL_CTX* context, int max_streams, H2Connection::Serve serve);

}  // namespace retort
