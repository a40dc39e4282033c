// A server of bare sockets for tests: it can send what no HTTP library would, cut where it likes, and stay silent.
#pragma once

#include <atomic>
#include <functional>
#include <list>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>

#include "core/base/instant.h"

namespace retort {

struct RawRequest {
  std::string head;  ///< with the request line, up to the empty line
  std::string body;  ///< as long as its Content-Length says
  /// The first value of a header, name in any case; empty if absent.
  std::string header(std::string_view name) const;
  std::string target() const;
};

/// One accepted connection. Used by its own thread only, except for interrupt().
class RawConnection {
 public:
  RawConnection(int fd, int index) : fd_(fd), index_(index) {}
  ~RawConnection();
  RawConnection(const RawConnection&) = delete;
  RawConnection& operator=(const RawConnection&) = delete;

  int index() const { return index_; }    ///< 0 for the server's first connection
  int descriptor() const { return fd_; }  ///< for a server that speaks TLS on it
  /// The next request, or nothing if the client is gone.
  std::optional<RawRequest> read_request();
  /// False once the client is gone or the server stops.
  bool send(std::string_view bytes);
  /// Closes with RST instead of FIN.
  void reset();
  /// Waits until the client closes, the server stops or the time is over; true if it is over.
  bool pause(Duration most);
  void interrupt();

 private:
  int fd_;
  int index_;
  std::string buffer_;
};

/// Accepts on a free port of loopback; every connection gets a thread that runs `serve` and then closes.
class RawServer {
 public:
  using Serve = std::function<void(RawConnection&)>;
  explicit RawServer(Serve serve, int port = 0);
  ~RawServer();
  RawServer(const RawServer&) = delete;
  RawServer& operator=(const RawServer&) = delete;

  int port() const { return port_; }
  std::string url(const std::string& target = "/") const;
  int connections() const { return accepted_; }

 private:
  struct Client;
  void accept_all();
  void drop_finished();

  Serve serve_;
  int listener_ = -1;
  int port_ = 0;
  std::atomic<int> accepted_{0};
  std::atomic<bool> stopping_{false};
  std::mutex mutex_;
  std::list<Client> clients_;
  std::thread acceptor_;
};

/// "HTTP/1.1 200 OK", Content-Length and the body.
std::string http_reply(std::string_view body, std::string_view more_headers = "", std::string_view status = "200 OK");
/// A gzip stream of `bytes`.
std::string gzip(std::string_view bytes);
/// A gzip stream of `count` zero bytes, a thousandth as long.
std::string gzip_of_zeros(std::size_t count);

}  // namespace retort
