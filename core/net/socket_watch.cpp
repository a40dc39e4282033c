#include "core/net/socket_watch.h"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

namespace retort {

void SocketWatch::serve(CURL* easy) {
  curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, &SocketWatch::open);
  curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, this);
  curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, &SocketWatch::close);
  curl_easy_setopt(easy, CURLOPT_CLOSESOCKETDATA, this);
}

SocketWatch::Known& SocketWatch::known(curl_socket_t socket) {
  const auto at = static_cast<std::size_t>(socket);
  if (known_.size() <= at) known_.resize(at + 1);
  return known_[at];
}

curl_socket_t SocketWatch::open(void* self, curlsocktype, curl_sockaddr* address) {
  const int fd = ::socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
  if (fd < 0) return CURL_SOCKET_BAD;
  static_cast<SocketWatch*>(self)->known(fd) = {.opened_here = true, .wanted = false, .events = 0};
  return fd;
}

int SocketWatch::close(void* self, curl_socket_t socket) {
  static_cast<SocketWatch*>(self)->known(socket) = {};  // the kernel takes it out of epoll
  return ::close(socket);
}

void SocketWatch::set(curl_socket_t socket, int what, std::uint32_t tag) {
  Known& one = known(socket);
  one.wanted = what != CURL_POLL_REMOVE;
  if (!one.wanted) {
    if (!one.opened_here) unwatch(socket);
    return;
  }
  epoll_event event{};
  if ((what & CURL_POLL_IN) != 0) event.events |= EPOLLIN;
  if ((what & CURL_POLL_OUT) != 0) event.events |= EPOLLOUT;
  if (one.opened_here && one.events == event.events) return;
  event.data.u64 = (static_cast<std::uint64_t>(tag) << 32) | static_cast<std::uint32_t>(socket);
  // What libcurl closes without a word leaves epoll by itself and its number comes again, so the note says only what to
  // try first.
  if (epoll_ctl(epoll_, one.events != 0 ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, socket, &event) != 0) {
    if (errno == ENOENT) epoll_ctl(epoll_, EPOLL_CTL_ADD, socket, &event);
    if (errno == EEXIST) epoll_ctl(epoll_, EPOLL_CTL_MOD, socket, &event);
  }
  one.events = event.events;
}

bool SocketWatch::is_wanted(curl_socket_t socket) {
  if (known(socket).wanted) return true;
  unwatch(socket);
  return false;
}

void SocketWatch::unwatch(curl_socket_t socket) {
  epoll_ctl(epoll_, EPOLL_CTL_DEL, socket, nullptr);
  known(socket).events = 0;
}

}  // namespace retort
