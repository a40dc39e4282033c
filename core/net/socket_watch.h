// Which sockets epoll watches for libcurl. A kept connection is watched on between two requests, which saves two calls
// of the system for each.
#pragma once

#include <curl/curl.h>

#include <cstdint>
#include <vector>

namespace retort {

class SocketWatch {
 public:
  /// `epoll` must outlive it.
  explicit SocketWatch(int epoll) : epoll_(epoll) {}
  SocketWatch(const SocketWatch&) = delete;
  SocketWatch& operator=(const SocketWatch&) = delete;

  /// The sockets of this handle's connections are opened and closed here: only of these it is known when they end.
  void serve(CURL* easy);

  /// What libcurl's CURLMOPT_SOCKETFUNCTION said. Events come out of epoll with the socket in the lower half of their
  /// data and `tag` in the upper.
  void set(curl_socket_t socket, int what, std::uint32_t tag);
  /// Of a socket for which an event came: whether libcurl waits for it. If not, a kept connection has ended, and is
  /// watched no more.
  bool is_wanted(curl_socket_t socket);

 private:
  struct Known {
    bool opened_here = false;  ///< and not closed since; others libcurl closes without a word
    bool wanted = false;       ///< libcurl waits for it
    std::uint32_t events = 0;  ///< that epoll watches for, if it does (certain only where opened here)
  };
  static curl_socket_t open(void* self, curlsocktype, curl_sockaddr* address);
  static int close(void* self, curl_socket_t socket);
  Known& known(curl_socket_t socket);
  void unwatch(curl_socket_t socket);

  const int epoll_;
  std::vector<Known> known_;  ///< by descriptor
};

}  // namespace retort
