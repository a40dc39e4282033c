#include "tests/support/raw_server.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>
#include <zlib.h>

#include <memory>

#include "core/base/assert.h"

namespace retort {

std::string RawRequest::header(std::string_view name) const {
  std::size_t at = head.find("\r\n");
  while (at != std::string::npos && at + 2 < head.size()) {
    const std::size_t start = at + 2;
    at = head.find("\r\n", start);
    const std::string_view line = std::string_view(head).substr(start, at - start);
    if (line.size() > name.size() && line[name.size()] == ':' &&
        strncasecmp(line.data(), name.data(), name.size()) == 0) {
      const std::size_t value = line.find_first_not_of(' ', name.size() + 1);
      return value == std::string_view::npos ? std::string() : std::string(line.substr(value));
    }
  }
  return {};
}

std::string RawRequest::target() const {
  const std::size_t first = head.find(' ');
  return head.substr(first + 1, head.find(' ', first + 1) - first - 1);
}

RawConnection::~RawConnection() {
  if (fd_ >= 0) close(fd_);
}

std::optional<RawRequest> RawConnection::read_request() {
  const auto more = [this] {
    char block[16384];
    const ssize_t got = recv(fd_, block, sizeof block, 0);
    if (got > 0) buffer_.append(block, static_cast<std::size_t>(got));
    return got > 0;
  };
  std::size_t end = buffer_.find("\r\n\r\n");
  while (end == std::string::npos) {
    if (!more()) return {};
    end = buffer_.find("\r\n\r\n");
  }
  RawRequest request;
  request.head = buffer_.substr(0, end + 2);
  const std::string length = request.header("content-length");
  const std::size_t body = length.empty() ? 0 : std::stoul(length);
  while (buffer_.size() < end + 4 + body) {
    if (!more()) return {};
  }
  request.body = buffer_.substr(end + 4, body);
  buffer_.erase(0, end + 4 + body);
  return request;
}

bool RawConnection::send(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

void RawConnection::reset() {
  const linger hard{.l_onoff = 1, .l_linger = 0};
  setsockopt(fd_, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
}

bool RawConnection::pause(Duration most) {
  pollfd watched{.fd = fd_, .events = POLLRDHUP, .revents = 0};
  return poll(&watched, 1, static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(most).count())) == 0;
}

void RawConnection::interrupt() { shutdown(fd_, SHUT_RDWR); }

struct RawServer::Client {
  std::unique_ptr<RawConnection> connection;
  std::atomic<bool> done{false};
  std::thread thread;
};

RawServer::RawServer(Serve serve, int port) : serve_(std::move(serve)) {
  listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  RETORT_ASSERT(listener_ >= 0);
  const int on = 1;
  setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  socklen_t size = sizeof address;
  RETORT_ASSERT(bind(listener_, generic, size) == 0);
  RETORT_ASSERT(listen(listener_, 4096) == 0);
  RETORT_ASSERT(getsockname(listener_, generic, &size) == 0);
  port_ = ntohs(address.sin_port);
  acceptor_ = std::thread([this] { accept_all(); });
}

RawServer::~RawServer() {
  stopping_ = true;
  shutdown(listener_, SHUT_RDWR);
  acceptor_.join();
  close(listener_);
  {
    const std::lock_guard lock(mutex_);
    for (Client& client : clients_) {
      if (!client.done) client.connection->interrupt();
    }
  }
  for (Client& client : clients_) client.thread.join();
}

std::string RawServer::url(const std::string& target) const {
  return "http://127.0.0.1:" + std::to_string(port_) + target;
}

void RawServer::accept_all() {
  while (!stopping_) {
    const int fd = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (fd < 0) continue;
    const int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    drop_finished();
    const std::lock_guard lock(mutex_);
    Client& client = clients_.emplace_back();
    client.connection = std::make_unique<RawConnection>(fd, accepted_++);
    client.thread = std::thread([this, &client] {
      serve_(*client.connection);
      const std::lock_guard closing(mutex_);
      client.connection.reset();
      client.done = true;
    });
  }
}

void RawServer::drop_finished() {
  std::list<Client> finished;
  {
    const std::lock_guard lock(mutex_);
    for (auto at = clients_.begin(); at != clients_.end();) {
      const auto next = std::next(at);
      if (at->done) finished.splice(finished.end(), clients_, at);
      at = next;
    }
  }
  for (Client& client : finished) client.thread.join();
}

std::string http_reply(std::string_view body, std::string_view more_headers, std::string_view status) {
  std::string reply = "HTTP/1.1 ";
  reply.append(status).append("\r\nContent-Length: ").append(std::to_string(body.size())).append("\r\n");
  return reply.append(more_headers).append("\r\n").append(body);
}

namespace {

/// One gzip stream of `block` repeated.
std::string gzip_repeated(std::string_view block, std::size_t times) {
  z_stream stream{};
  RETORT_ASSERT(deflateInit2(&stream, Z_BEST_SPEED, Z_DEFLATED, 15 + 16, 9, Z_DEFAULT_STRATEGY) == Z_OK);
  std::string packed;
  std::string out(1 << 16, '\0');
  for (std::size_t i = 0; i < times; ++i) {
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(block.data()));
    stream.avail_in = static_cast<uInt>(block.size());
    do {
      stream.next_out = reinterpret_cast<Bytef*>(out.data());
      stream.avail_out = static_cast<uInt>(out.size());
      deflate(&stream, i + 1 == times ? Z_FINISH : Z_NO_FLUSH);
      packed.append(out, 0, out.size() - stream.avail_out);
    } while (stream.avail_out == 0);
  }
  deflateEnd(&stream);
  return packed;
}

}  // namespace

std::string gzip(std::string_view bytes) { return gzip_repeated(bytes, 1); }

std::string gzip_of_zeros(std::size_t count) {
  constexpr std::size_t kBlock = 1 << 20;
  return gzip_repeated(std::string(kBlock, '\0'), count / kBlock);
}

}  // namespace retort
