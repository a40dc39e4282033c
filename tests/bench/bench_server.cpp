// The teacher of the benchmarks: one thread, one epoll, one fixed answer, so that what is measured is the client.
// Usage: bench_server [--port N] [--latency-ms N]. Prints "port N"; on SIGTERM one JSON line: what it counted.
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;
constexpr auto kBucket = std::chrono::milliseconds(100);

[[noreturn]] void give_up(const char* what) {
  std::fprintf(stderr, "bench_server: %s: %s\n", what, std::strerror(errno));
  std::exit(1);
}

std::string reply(std::string_view body) {
  return "HTTP/1.1 200 OK\r\nDate: Sun, 22 Nov 2026 12:00:00 GMT\r\nServer: bench\r\nContent-Type: "
         "application/json\r\nX-Request-Id: req_0123456789abcdef\r\nContent-Length: " +
         std::to_string(body.size()) + "\r\n\r\n" + std::string(body);
}

// Some 1.3 KB, as a short answer of a provider is.
std::string completion() {
  std::string text;
  for (int i = 1; text.size() < 960; ++i) text += "Step " + std::to_string(i) + ": carry the one, add the next. ";
  return reply(
      R"({"id":"chatcmpl-0123456789abcdefghijkl","object":"chat.completion","created":1790000000,"model":"bench-1",)"
      R"("choices":[{"index":0,"message":{"role":"assistant","content":")" +
      text +
      R"(","refusal":null},"logprobs":null,"finish_reason":"stop"}],"usage":{"prompt_tokens":260,"completion_tokens":)"
      R"(240,"total_tokens":500,"prompt_tokens_details":{"cached_tokens":0}},"system_fingerprint":"fp_44709d6fcb"})");
}

struct Connection {
  int fd = -1;
  std::uint64_t serial = 0;  ///< numbers of descriptors come again
  std::string in;
};

class Server {
 public:
  Server(int port, Clock::duration latency) : latency_(latency) {
    listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    const int on = 1;
    setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    if (bind(listener_, reinterpret_cast<sockaddr*>(&address), size) != 0 || listen(listener_, 4096) != 0)
      give_up("cannot listen");
    getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
    sigset_t end;
    sigemptyset(&end);
    sigaddset(&end, SIGTERM);
    sigaddset(&end, SIGINT);
    sigprocmask(SIG_BLOCK, &end, nullptr);
    signals_ = signalfd(-1, &end, SFD_CLOEXEC | SFD_NONBLOCK);
    epoll_ = epoll_create1(EPOLL_CLOEXEC);
    watch(listener_);
    watch(signals_);
    std::printf("port %d\n", ntohs(address.sin_port));
    std::fflush(stdout);
  }

  void run() {
    std::array<epoll_event, 512> ready;
    while (true) {
      const int count = epoll_wait(epoll_, ready.data(), static_cast<int>(ready.size()), patience_ms());
      now_ = Clock::now();
      for (int i = 0; i < count; ++i) {
        const int fd = ready[static_cast<std::size_t>(i)].data.fd;
        if (fd == signals_) return;
        if (fd == listener_)
          accept_all();
        else
          serve(*connections_[static_cast<std::size_t>(fd)]);
      }
      answer_due();
    }
  }

  void report() const {
    rusage used{};
    getrusage(RUSAGE_SELF, &used);
    const double cpu = static_cast<double>(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
                       static_cast<double>(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
    std::printf(
        "{\"answered\":%lld,\"connections\":%lld,\"most_at_once\":%lld,\"cpu_seconds\":%.3f,\"first_at\":%.6f,"
        "\"per_100_ms\":[",
        static_cast<long long>(answered_), static_cast<long long>(serial_), static_cast<long long>(most_), cpu,
        std::chrono::duration<double>(first_.time_since_epoch()).count());
    for (std::size_t i = 0; i < buckets_.size(); ++i)
      std::printf("%s%lld", i == 0 ? "" : ",", static_cast<long long>(buckets_[i]));
    std::printf("]}\n");
  }

 private:
  struct Due {
    Clock::time_point at;
    int fd;
    std::uint64_t serial;
  };

  void watch(int fd) {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.fd = fd;
    if (epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event) != 0) give_up("cannot watch a socket");
  }

  int patience_ms() const {
    if (due_.empty()) return -1;
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(due_.front().at - Clock::now()).count();
    return static_cast<int>(left > 0 ? left : 0);
  }

  void accept_all() {
    while (true) {
      const int fd = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
      if (fd < 0) return;
      const int on = 1;
      setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
      const auto at = static_cast<std::size_t>(fd);
      if (connections_.size() <= at) connections_.resize(at + 1);
      if (!connections_[at]) connections_[at] = std::make_unique<Connection>();
      connections_[at]->fd = fd;
      connections_[at]->serial = ++serial_;
      connections_[at]->in.clear();
      watch(fd);
    }
  }

  void drop(Connection& connection) {
    close(connection.fd);
    connection.fd = -1;
  }

  void serve(Connection& connection) {
    std::array<char, 65536> block;
    const ssize_t got = recv(connection.fd, block.data(), block.size(), 0);
    if (got < 0 && errno == EAGAIN) return;
    if (got <= 0) return drop(connection);
    connection.in.append(block.data(), static_cast<std::size_t>(got));
    while (connection.fd >= 0) {
      const std::size_t end = connection.in.find("\r\n\r\n");
      if (end == std::string::npos) return;
      const std::size_t length = content_length(std::string_view(connection.in).substr(0, end + 2));
      if (connection.in.size() < end + 4 + length) return;
      const bool lists_models = connection.in.rfind("GET ", 0) == 0;
      connection.in.erase(0, end + 4 + length);
      if (lists_models) {
        send_all(connection, models_);
      } else if (latency_ == Clock::duration::zero()) {
        answer(connection);
      } else {
        due_.push_back({now_ + latency_, connection.fd, connection.serial});
        most_ = std::max(most_, static_cast<std::int64_t>(due_.size()));
      }
    }
  }

  static std::size_t content_length(std::string_view head) {
    for (std::size_t at = head.find("\r\n"); at + 2 < head.size(); at = head.find("\r\n", at + 2)) {
      constexpr std::string_view kName = "content-length:";
      if (strncasecmp(head.data() + at + 2, kName.data(), kName.size()) == 0)
        return static_cast<std::size_t>(std::atoll(head.data() + at + 2 + kName.size()));
    }
    return 0;
  }

  // All waited equally long, so a queue is all the timers there are.
  void answer_due() {
    now_ = Clock::now();
    while (!due_.empty() && due_.front().at <= now_) {
      Connection& connection = *connections_[static_cast<std::size_t>(due_.front().fd)];
      if (connection.fd >= 0 && connection.serial == due_.front().serial) answer(connection);
      due_.pop_front();
    }
  }

  void answer(Connection& connection) {
    if (!send_all(connection, answer_)) return;
    if (answered_++ == 0) first_ = now_;
    const auto bucket = static_cast<std::size_t>((now_ - first_) / kBucket);
    if (buckets_.size() <= bucket) buckets_.resize(bucket + 1);
    ++buckets_[bucket];
  }

  // A client reads one answer before it asks again, so the socket's buffer always has room for one.
  bool send_all(Connection& connection, std::string_view bytes) {
    if (send(connection.fd, bytes.data(), bytes.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(bytes.size()))
      return true;
    drop(connection);
    return false;
  }

  const Clock::duration latency_;
  const std::string answer_ = completion();
  const std::string models_ = reply(R"({"object":"list","data":[{"id":"bench-1","object":"model"}]})");
  int listener_ = -1, signals_ = -1, epoll_ = -1;
  std::uint64_t serial_ = 0;
  std::vector<std::unique_ptr<Connection>> connections_;  ///< by descriptor
  std::deque<Due> due_;
  std::int64_t answered_ = 0, most_ = 0;
  Clock::time_point now_ = Clock::now(), first_;
  std::vector<std::int64_t> buckets_;
};

}  // namespace

int main(int count, char** words) {
  int port = 0, latency_ms = 0;
  for (int i = 1; i + 1 < count; i += 2) {
    const std::string_view word = words[i];
    if (word == "--port") port = std::atoi(words[i + 1]);
    if (word == "--latency-ms") latency_ms = std::atoi(words[i + 1]);
  }
  Server server(port, std::chrono::milliseconds(latency_ms));
  server.run();
  server.report();
  return 0;
}
