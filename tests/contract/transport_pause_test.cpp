// Paused reading over real sockets: how a full memory or a slow disk reaches a fast server.
#include <sys/resource.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <thread>
#include <vector>

#include "core/net/curl_transport.h"
#include "tests/catch.h"
#include "tests/support/exchange.h"
#include "tests/support/raw_server.h"

namespace retort {
namespace {

const SystemClock kClock;
constexpr std::size_t kBig = 8 << 20;

std::unique_ptr<Transport> transport(TransportSettings settings = {}) {
  auto made = make_curl_transport(settings, kClock);
  REQUIRE_OK(made);
  return std::move(made).value();
}

HttpRequest post(const std::string& url, std::string body = "{}") {
  HttpRequest request;
  request.url = url;
  request.body = std::move(body);
  request.total_timeout = 20s;
  return request;
}

// No two places alike, so that a piece lost, doubled or moved is seen.
std::string pattern(std::size_t size) {
  std::string text;
  text.reserve(size + 16);
  for (std::size_t i = 0; text.size() < size; ++i) text += std::to_string(i * 2654435761U) + "\n";
  text.resize(size);
  return text;
}

/// Keeps what wait() says, until told to look.
struct Seen {
  std::map<std::uint64_t, Outcome> of;
  std::size_t bytes = 0;
  std::size_t most_at_once = 0;

  /// One wait().
  void look(Transport& wire, Duration patience) { take(wire.wait(kClock.now() + patience)); }

  void take(std::span<NetEvent> events) {
    std::size_t now = 0;
    for (NetEvent& event : events) {
      if (auto* head = std::get_if<ResponseHead>(&event)) {
        of[head->id.value].head = head->head;
        ++of[head->id.value].heads;
      } else if (auto* piece = std::get_if<ResponseBytes>(&event)) {
        of[piece->id.value].body += piece->bytes;
        now += piece->bytes.size();
      } else if (auto* end = std::get_if<ResponseEnd>(&event)) {
        of[end->id.value].end = *end;
        ++of[end->id.value].ends;
      }
    }
    bytes += now;
    most_at_once = std::max(most_at_once, now);
  }

  /// Looks for that long, whatever happens.
  void look_for(Transport& wire, Duration duration) {
    for (const Instant until = kClock.now() + duration; kClock.now() < until;) take(wire.wait(until));
  }

  std::size_t ended() const {
    std::size_t count = 0;
    for (const auto& [id, outcome] : of) count += outcome.ends == 1;
    return count;
  }

  void look_until_ended(Transport& wire, std::size_t count, Duration most = 20s) {
    for (const Instant until = kClock.now() + most; ended() < count && kClock.now() < until;) take(wire.wait(until));
  }
};

Duration cpu_of_this_thread() {
  rusage used{};
  getrusage(RUSAGE_THREAD, &used);
  return std::chrono::seconds(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
         std::chrono::microseconds(used.ru_utime.tv_usec + used.ru_stime.tv_usec);
}

/// Sends the same body to everybody as fast as it is taken.
struct FastServer {
  explicit FastServer(std::string reply_bytes)
      : reply(std::move(reply_bytes)), server([this](RawConnection& connection) {
          while (connection.read_request()) {
            for (std::size_t at = 0; at < reply.size(); at += 65536) {
              if (!connection.send(std::string_view(reply).substr(at, 65536))) return;
            }
            ++finished;
          }
        }) {}
  std::string reply;
  std::atomic<int> finished{0};
  RawServer server;
};

std::size_t resident_kib() {
  std::size_t whole = 0, resident = 0;
  std::FILE* file = std::fopen("/proc/self/statm", "r");
  REQUIRE(file != nullptr);
  CHECK(std::fscanf(file, "%zu %zu", &whole, &resident) == 2);
  std::fclose(file);
  return resident * static_cast<std::size_t>(sysconf(_SC_PAGESIZE)) / 1024;
}

TEST_CASE("what is paused stays outside, and arrives whole afterwards", "[contract][transport][pause]") {
  constexpr std::uint64_t kCount = 12;
  const std::string body = pattern(kBig);
  FastServer fast(http_reply(body));
  const auto wire = transport();
  [[maybe_unused]] const std::size_t memory = resident_kib();
  Seen seen;
  bool at_head = false;
  SECTION("paused from the start") {}
  SECTION("paused in mid-body") { at_head = true; }
  for (std::uint64_t id = 1; id <= kCount; ++id) {
    wire->submit({id}, post(fast.server.url()));
    if (!at_head) wire->pause({id}, true);
  }
  for (std::size_t heads = 0; heads < kCount;) {
    const auto events = wire->wait(kClock.now() + 10s);
    REQUIRE_FALSE(events.empty());
    for (const NetEvent& event : events) {
      if (const auto* head = std::get_if<ResponseHead>(&event)) {
        wire->pause(head->id, true);
        wire->pause(head->id, true);
        ++heads;
      }
    }
    seen.take(events);
  }
  const std::size_t at_pause = seen.bytes;
  const Duration cpu = cpu_of_this_thread();
  seen.look_for(*wire, 400ms);
  CHECK(cpu_of_this_thread() - cpu < 100ms);  // it sleeps
  CHECK(seen.bytes == at_pause);
  CHECK(seen.bytes < (at_head ? kCount * kBig : 1));
#ifndef __SANITIZE_THREAD__  // what it notes of each byte is resident too
  CHECK(resident_kib() < memory + seen.bytes / 1024 + (16 << 10));
#endif
  CHECK(seen.ended() == 0);
  CHECK(fast.finished < static_cast<int>(kCount));

  for (std::uint64_t id = 1; id <= kCount; ++id) wire->pause({id}, false);
  wire->pause({1}, false);
  seen.look_until_ended(*wire, kCount);
  REQUIRE(seen.ended() == kCount);
  for (const auto& [id, outcome] : seen.of) {
    CHECK(outcome.heads == 1);
    CHECK(outcome.end.fault == NetFault::none);
    CHECK((outcome.body == body));
  }
}

TEST_CASE("reading can stop and go on again and again", "[contract][transport][pause]") {
  const std::string body = pattern(kBig);
  const bool packed = GENERATE(false, true);
  FastServer fast(packed ? http_reply(gzip(body), "Content-Encoding: gzip\r\n") : http_reply(body));
  const auto wire = transport();
  Seen seen;
  wire->submit({1}, post(fast.server.url()));
  int pauses = 0;
  while (seen.ended() == 0) {
    wire->pause({1}, true);
    seen.look(*wire, 3ms);
    wire->pause({1}, false);
    seen.look(*wire, 10s);
    REQUIRE(++pauses < 100'000);
  }
  CHECK(pauses >= 2);
  CHECK(seen.of[1].end.fault == NetFault::none);
  CHECK((seen.of[1].body == body));
}

TEST_CASE("a pause may come before there is anything to read", "[contract][transport][pause]") {
  const std::string body = pattern(1 << 20);
  FastServer fast(http_reply(body));
  const auto wire = transport({.max_connections = 1});
  Seen seen;
  wire->pause({1}, true);  // nobody yet
  wire->pause({1}, false);
  wire->submit({1}, post(fast.server.url()));
  wire->submit({2}, post(fast.server.url()));
  wire->pause({1}, true);  // not on the wire yet
  wire->pause({2}, true);  // and this one will wait for the other
  seen.look_for(*wire, 200ms);
  CHECK(seen.bytes == 0);
  CHECK(seen.ended() == 0);
  wire->pause({1}, false);
  seen.look_until_ended(*wire, 1);
  CHECK((seen.of[1].body == body));
  seen.look_for(*wire, 200ms);
  CHECK(seen.of[2].body.empty());
  wire->pause({2}, false);
  seen.look_until_ended(*wire, 2);
  CHECK((seen.of[2].body == body));
  wire->pause({2}, true);  // over
  wire->pause({7}, true);  // never was
}

TEST_CASE("an exchange paused while queued and let go before its turn is as any other",
          "[contract][transport][pause]") {
  FastServer fast(http_reply("ok"));
  const auto wire = transport({.max_connections = 1});
  wire->submit({1}, post(fast.server.url()));
  wire->submit({2}, post(fast.server.url()));
  wire->pause({2}, true);
  wire->pause({2}, false);
  Seen seen;
  seen.look_until_ended(*wire, 2);
  CHECK(seen.of[2].body == "ok");
}

TEST_CASE("the idle time-out sleeps during a pause, the total one does not", "[contract][transport][pause]") {
  const std::string head = "HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n";
  const RawServer stalls([&](RawConnection& connection) {
    connection.read_request();
    connection.send(head + "first");
    connection.pause(20s);
  });
  const auto wire = transport();
  HttpRequest request = post(stalls.url());
  request.idle_timeout = 200ms;
  request.total_timeout = 10s;
  Seen seen;
  SECTION("idle") {
    wire->submit({1}, request);
    seen.look(*wire, 10s);
    wire->pause({1}, true);
    seen.look_for(*wire, 600ms);
    CHECK(seen.ended() == 0);
    const Instant resumed = kClock.now();
    wire->pause({1}, false);
    seen.look_until_ended(*wire, 1);
    CHECK(seen.of[1].end.fault == NetFault::timeout);
    CHECK(seen.of[1].end.detail.find("paused for 200 ms") != std::string::npos);
    CHECK(kClock.now() - resumed >= 190ms);
    CHECK(kClock.now() - resumed < 5s);
  }
  SECTION("total") {
    request.total_timeout = 300ms;
    wire->submit({1}, request);
    seen.look(*wire, 200ms);
    wire->pause({1}, true);
    seen.look_until_ended(*wire, 1, 5s);
    CHECK(seen.of[1].end.fault == NetFault::timeout);
    CHECK(seen.of[1].end.possibly_billed);
    CHECK(seen.of[1].end.timing.total < 4s);
  }
}

// Waits until libcurl holds body bytes of exchange 1 that it was told to keep.
void hold_back(Transport& wire, Seen& seen) {
  wire.pause({1}, true);
  while (seen.of[1].heads == 0) seen.look(wire, 10s);
  seen.look_for(wire, 100ms);
}

TEST_CASE("what a pause's end brings waits for the next wait(), and what was handed out stays",
          "[contract][transport][pause]") {
  const RawServer two([](RawConnection& connection) {
    const auto request = connection.read_request();
    const bool later = request && request->body == "later";
    connection.send("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nabc");
    if (later) connection.pause(300ms);
    connection.send("def");
    connection.pause(20s);
  });
  const auto wire = transport();
  Seen seen;
  wire->submit({1}, post(two.url()));
  hold_back(*wire, seen);
  REQUIRE(seen.of[1].body.empty());
  wire->submit({2}, post(two.url(), "later"));
  std::span<NetEvent> events = wire->wait(kClock.now() + 10s);
  while (events.empty()) events = wire->wait(kClock.now() + 10s);
  const std::size_t count = events.size();
  REQUIRE(std::holds_alternative<ResponseHead>(events[0]));
  wire->pause({1}, false);  // libcurl hands over what it kept, here and now
  CHECK(events.size() == count);
  CHECK(std::get<ResponseHead>(events[0]).id == ExchangeId{2});
  CHECK(std::get<ResponseHead>(events[0]).head.status == 200);
  SECTION("they come") {
    seen.look(*wire, 0s);
    CHECK(seen.of[1].body.starts_with("abc"));
    seen.look_until_ended(*wire, 1);
    CHECK(seen.of[1].body == "abcdef");
    CHECK(seen.of[1].end.fault == NetFault::none);
  }
  SECTION("they do not, if it is cancelled first") {
    wire->cancel({1});
    seen.look_for(*wire, 200ms);
    CHECK(seen.of[1].body.empty());
    CHECK(seen.of[1].ends == 0);
  }
}

TEST_CASE("a bomb that was kept during a pause is cut when the pause ends", "[contract][transport][pause]") {
  FastServer fast(http_reply(gzip(std::string(1 << 20, '\0')), "Content-Encoding: gzip\r\n"));
  const auto wire = transport();
  HttpRequest request = post(fast.server.url());
  request.body_bytes_max = 100'000;
  Seen seen;
  wire->submit({1}, request);
  hold_back(*wire, seen);
  wire->pause({1}, false);
  seen.look_until_ended(*wire, 1, 5s);
  CHECK(seen.of[1].end.fault == NetFault::too_large);
  CHECK(seen.of[1].body.size() <= 100'000);
}

TEST_CASE("one wait() brings a few MiB at most, and everybody's turn comes", "[contract][transport][pause]") {
  constexpr std::uint64_t kCount = 80;
  // 16 KiB off the wire are up to 16 MiB here.
  const std::string body(12 << 20, 'z');
  FastServer fast(http_reply(gzip(body), "Content-Encoding: gzip\r\n"));
  const auto wire = transport();
  Seen seen;
  HttpRequest request = post(fast.server.url());
  request.total_timeout = 60s;
  for (std::uint64_t id = 1; id <= kCount; ++id) wire->submit({id}, request);
  for (const Instant until = kClock.now() + 60s; seen.ended() < kCount && kClock.now() < until;) {
    seen.look(*wire, 10s);
    for (auto& [id, outcome] : seen.of) {
      CHECK(std::string_view(body).starts_with(outcome.body));
      outcome.body.clear();
    }
    std::this_thread::sleep_for(1ms);  // everybody has something to say again
  }
  CHECK(seen.ended() == kCount);
  CHECK(seen.bytes == kCount * body.size());
  CHECK(seen.most_at_once < (4u << 20) + (17u << 20));
}

}  // namespace
}  // namespace retort
