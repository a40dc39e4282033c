#include "tests/support/h2_server.h"

#include <algorithm>

namespace retort {
namespace {

enum : std::uint8_t { kData = 0, kHeaders = 1, kReset = 3, kSettings = 4, kPing = 6, kGoaway = 7, kWindowUpdate = 8 };
constexpr std::uint8_t kEndStream = 1, kAck = 1, kEndHeaders = 4, kPadded = 8;
constexpr std::size_t kFrameMax = 16384;

std::string big_endian(std::uint32_t value, int bytes) {
  std::string text;
  for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8) text += static_cast<char>(value >> shift);
  return text;
}

std::uint32_t number(std::string_view bytes) {
  std::uint32_t value = 0;
  for (const char c : bytes) value = (value << 8) | static_cast<unsigned char>(c);
  return value;
}

int choose_h2(SSL*, const unsigned char** out, unsigned char* length, const unsigned char* in, unsigned int size,
              void*) {
  static const unsigned char kH2[] = {2, 'h', '2'};
  unsigned char* chosen = nullptr;
  const bool found = SSL_select_next_proto(&chosen, length, kH2, sizeof kH2, in, size) == OPENSSL_NPN_NEGOTIATED;
  *out = chosen;
  return found ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

}  // namespace

bool H2Connection::read(std::size_t count, std::string& bytes) {
  bytes.resize(count);
  for (std::size_t at = 0; at < count;) {
    const int got = SSL_read(tls_, bytes.data() + at, static_cast<int>(count - at));
    if (got <= 0) return false;
    at += static_cast<std::size_t>(got);
  }
  return true;
}

void H2Connection::frame(std::uint8_t type, std::uint8_t flags, std::uint32_t stream, std::string_view payload) {
  std::string bytes = big_endian(static_cast<std::uint32_t>(payload.size()), 3);
  bytes += static_cast<char>(type);
  bytes += static_cast<char>(flags);
  bytes += big_endian(stream, 4);
  bytes += payload;
  broken_ = broken_ || SSL_write(tls_, bytes.data(), static_cast<int>(bytes.size())) <= 0;
}

void H2Connection::reply(std::uint32_t stream, std::string body) {
  frame(kHeaders, kEndHeaders, stream, "\x88");  // ":status: 200" in the static table
  outgoing_.push_back({stream, std::move(body)});
}

void H2Connection::reset(std::uint32_t stream, std::uint32_t error) {
  open_.erase(stream);
  frame(kReset, 0, stream, big_endian(error, 4));
}

void H2Connection::goaway(std::uint32_t last_stream) {
  frame(kGoaway, 0, 0, big_endian(last_stream, 4) + big_endian(0, 4));
}

// A frame of each in turn, so that one that may not go on does not hold up the others.
void H2Connection::pump() {
  for (bool progress = true; progress && !broken_;) {
    progress = false;
    for (auto at = outgoing_.begin(); at != outgoing_.end() && !broken_;) {
      const std::size_t left = at->body.size() - at->sent;
      const auto room = static_cast<std::size_t>(std::max<std::int64_t>(0, std::min(window_, windows_[at->stream])));
      const std::size_t now = std::min({left, room, kFrameMax});
      const bool last = now == left;
      if (now == 0 && !last) {
        ++at;
        continue;
      }
      progress = true;
      window_ -= static_cast<std::int64_t>(now);
      windows_[at->stream] -= static_cast<std::int64_t>(now);
      frame(kData, last ? kEndStream : 0, at->stream, std::string_view(at->body).substr(at->sent, now));
      at->sent += now;
      if (last) open_.erase(at->stream);
      at = last ? outgoing_.erase(at) : std::next(at);
    }
  }
}

void H2Connection::take_settings(std::string_view payload) {
  for (; payload.size() >= 6; payload.remove_prefix(6)) {
    constexpr std::uint32_t kInitialWindow = 4;
    if (number(payload.substr(0, 2)) == kInitialWindow) first_window_ = number(payload.substr(2, 4));
  }
  frame(kSettings, kAck, 0, "");
}

void H2Connection::request_complete(std::uint32_t stream, const Serve& serve) {
  const std::string body = std::move(bodies_[stream]);
  bodies_.erase(stream);
  serve(*this, stream, body);
}

bool H2Connection::take_frame(const Serve& serve) {
  std::string head, payload;
  if (!read(9, head) || !read(number(std::string_view(head).substr(0, 3)), payload)) return false;
  const auto type = static_cast<std::uint8_t>(head[3]), flags = static_cast<std::uint8_t>(head[4]);
  const std::uint32_t stream = number(std::string_view(head).substr(5, 4)) & 0x7fffffff;
  if (type == kSettings && (flags & kAck) == 0) take_settings(payload);
  if (type == kPing && (flags & kAck) == 0) frame(kPing, kAck, 0, payload);
  if (type == kWindowUpdate) (stream == 0 ? window_ : windows_[stream]) += number(payload);
  if (type == kReset) {
    open_.erase(stream);
    std::erase_if(outgoing_, [stream](const Outgoing& reply) { return reply.stream == stream; });
  }
  if (type == kHeaders && open_.size() >= max_open_) {
    reset(stream, kH2RefusedStream);
  } else if (type == kHeaders) {
    windows_[stream] = first_window_;
    open_.insert(stream);
    most_open_ = std::max(most_open_, open_.size());
  }
  if (type == kData) {
    if ((flags & kPadded) != 0) return false;
    bodies_[stream] += payload;
    if (!payload.empty()) {
      frame(kWindowUpdate, 0, 0, big_endian(static_cast<std::uint32_t>(payload.size()), 4));
      frame(kWindowUpdate, 0, stream, big_endian(static_cast<std::uint32_t>(payload.size()), 4));
    }
  }
  const bool ends = (type == kHeaders || type == kData) && (flags & kEndStream) != 0;
  if (ends && open_.contains(stream)) request_complete(stream, serve);
  return !broken_;
}

void H2Connection::run(int max_streams, const Serve& serve) {
  constexpr std::string_view kPreface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
  max_open_ = static_cast<std::size_t>(max_streams);
  std::string preface;
  if (!read(kPreface.size(), preface) || preface != kPreface) return;
  constexpr std::uint32_t kMaxConcurrentStreams = 3;
  frame(kSettings, 0, 0, big_endian(kMaxConcurrentStreams, 2) + big_endian(static_cast<std::uint32_t>(max_streams), 4));
  while (take_frame(serve)) pump();
}

RawServer::Serve h2_serving(SSL_CTX* context, int max_streams, H2Connection::Serve serve) {
  SSL_CTX_set_alpn_select_cb(context, choose_h2, nullptr);
  return [context, max_streams, serve = std::move(serve)](RawConnection& connection) {
    const TlsStream tls(SSL_new(context), SSL_free);
    SSL_set_fd(tls.get(), connection.descriptor());
    if (SSL_accept(tls.get()) == 1) H2Connection(tls.get(), connection.index()).run(max_streams, serve);
  };
}

}  // namespace retort
