// HTTP/2 over TLS: many requests on one connection, and what becomes of them when the server refuses, resets or leaves.
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <mutex>

#include "core/net/curl_transport.h"
#include "tests/catch.h"
#include "tests/support/exchange.h"
#include "tests/support/h2_server.h"
#include "tests/support/temporary_folder.h"

namespace retort {
namespace {

const SystemClock kClock;

/// A server of HTTP/2 and a transport that trusts it.
struct World {
  explicit World(H2Connection::Serve serve, int max_streams = 100, int max_connections = 64)
      : server(h2_serving(context.get(), max_streams, std::move(serve))) {
    std::signal(SIGPIPE, SIG_IGN);  // OpenSSL writes to sockets that a client has closed
    write_certificate(identity, folder.path("ca.pem"));
    auto made = make_curl_transport({.ca_bundle = folder.path("ca.pem"), .max_connections = max_connections}, kClock);
    REQUIRE_OK(made);
    wire = std::move(made).value();
  }

  HttpRequest post(std::string body) const {
    HttpRequest request;
    request.url = "https://127.0.0.1:" + std::to_string(server.port()) + "/v1";
    request.body = std::move(body);
    request.total_timeout = 20s;
    return request;
  }

  std::map<std::uint64_t, Outcome> ask(std::uint64_t count) {
    for (std::uint64_t id = 1; id <= count; ++id) wire->submit({id}, post(std::to_string(id)));
    return collect(*wire, count);
  }

  TemporaryFolder folder;
  TlsIdentity identity = tls_identity("IP:127.0.0.1", 3600);
  TlsContext context = tls_context(identity);
  RawServer server;
  std::unique_ptr<Transport> wire;
};

void check_answers(const std::map<std::uint64_t, Outcome>& outcomes, std::uint64_t count) {
  REQUIRE(outcomes.size() == count);
  for (const auto& [id, outcome] : outcomes) {
    CAPTURE(id, outcome.end.detail);
    CHECK(outcome.end.fault == NetFault::none);
    CHECK(outcome.in_order);
    CHECK(outcome.body == "re: " + std::to_string(id));
  }
}

TEST_CASE("requests share one HTTP/2 connection", "[contract][transport][h2]") {
  World world([](H2Connection& to, std::uint32_t stream, const std::string& body) { to.reply(stream, "re: " + body); });
  check_answers(world.ask(40), 40);
  CHECK(world.server.connections() == 1);
}

TEST_CASE("a server that takes one stream at a time gets one at a time", "[contract][transport][h2]") {
  std::atomic<std::size_t> most{0};
  World world(
      [&](H2Connection& to, std::uint32_t stream, const std::string& body) {
        most = std::max<std::size_t>(most, to.most_open());
        to.reply(stream, "re: " + body);
      },
      1, 4);
  check_answers(world.ask(30), 30);
  CHECK(most == 1);
}

TEST_CASE("what a leaving server did not look at is asked elsewhere, for nothing", "[contract][transport][h2]") {
  std::mutex mutex;
  std::multiset<std::string> answered;
  std::atomic<int> left{0};
  World world([&](H2Connection& to, std::uint32_t stream, const std::string& body) {
    // The first three connections answer five requests each and say goodbye.
    constexpr std::uint32_t kLast = 2 * 5 - 1;
    if (to.index() < 3 && stream > kLast) return;
    {
      const std::lock_guard lock(mutex);
      answered.insert(body);
    }
    if (to.index() < 3 && stream == kLast) {
      ++left;
      to.goaway(kLast);
    }
    to.reply(stream, "re: " + body);
  });
  check_answers(world.ask(40), 40);
  CHECK(left >= 1);
  CHECK(world.server.connections() >= 2);
  CHECK(answered.size() == 40);
  CHECK(std::set<std::string>(answered.begin(), answered.end()).size() == 40);
}

TEST_CASE("a refused stream is asked again, for nothing", "[contract][transport][h2]") {
  std::atomic<int> refused{0};
  World world([&](H2Connection& to, std::uint32_t stream, const std::string& body) {
    if (to.index() == 0) {
      ++refused;
      to.reset(stream, kH2RefusedStream);
    } else {
      to.reply(stream, "re: " + body);
    }
  });
  check_answers(world.ask(1), 1);
  CHECK(refused == 1);
}

TEST_CASE("a reset stream is broken and perhaps billed, and its neighbours are not touched",
          "[contract][transport][h2]") {
  World world([&](H2Connection& to, std::uint32_t stream, const std::string& body) {
    if (body == "3") {
      to.reset(stream, kH2InternalError);
    } else {
      to.reply(stream, "re: " + body);
    }
  });
  auto outcomes = world.ask(6);
  REQUIRE(outcomes.size() == 6);
  CHECK(outcomes[3].end.fault == NetFault::broken);
  CHECK(outcomes[3].end.possibly_billed);
  CHECK_FALSE(outcomes[3].end.detail.empty());
  outcomes.erase(3);
  check_answers(outcomes, 5);
}

TEST_CASE("a paused stream does not hold up its neighbours", "[contract][transport][h2][pause]") {
  std::string body;
  for (int i = 0; body.size() < (8u << 20); ++i) body += std::to_string(std::int64_t{i} * 7919) + "\n";
  World world([&](H2Connection& to, std::uint32_t stream, const std::string& question) {
    to.reply(stream, question == "1" ? body : "re: " + question);
  });
  world.wire->submit({1}, world.post("1"));
  std::string got;
  int ends = 0, others = 0;
  bool paused = false;
  const auto look = [&](Duration patience, const auto& enough) {
    for (const Instant until = kClock.now() + patience; kClock.now() < until && !enough();) {
      for (NetEvent& event : world.wire->wait(until)) {
        if (const auto* head = std::get_if<ResponseHead>(&event); head != nullptr && head->id == ExchangeId{1}) {
          world.wire->pause({1}, true);
          paused = true;
        }
        if (const auto* bytes = std::get_if<ResponseBytes>(&event); bytes != nullptr && bytes->id == ExchangeId{1})
          got += bytes->bytes;
        if (const auto* end = std::get_if<ResponseEnd>(&event)) {
          CHECK(end->fault == NetFault::none);
          ++(end->id == ExchangeId{1} ? ends : others);
        }
      }
    }
  };
  look(10s, [&] { return paused; });
  const std::size_t at_pause = got.size();
  for (std::uint64_t id = 2; id <= 6; ++id) world.wire->submit({id}, world.post(std::to_string(id)));
  look(10s, [&] { return others == 5; });
  CHECK(others == 5);
  look(200ms, [] { return false; });
  CHECK(got.size() == at_pause);
  CHECK(ends == 0);
  world.wire->pause({1}, false);
  look(10s, [&] { return ends == 1; });
  CHECK(ends == 1);
  CHECK((got == body));
}

}  // namespace
}  // namespace retort
