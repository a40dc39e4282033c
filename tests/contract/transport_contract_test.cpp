// What the harvest relies on in a Transport, over real sockets against a server that misbehaves in every way it can.
#include <sys/resource.h>

#include <atomic>
#include <future>

#include "core/net/curl_transport.h"
#include "tests/catch.h"
#include "tests/support/exchange.h"
#include "tests/support/raw_server.h"

namespace retort {
namespace {

const SystemClock kClock;

std::unique_ptr<Transport> transport(TransportSettings settings = {}) {
  auto made = make_curl_transport(settings, kClock);
  REQUIRE_OK(made);
  return std::move(made).value();
}

HttpRequest post(const std::string& url, std::string body = "{}") {
  HttpRequest request;
  request.url = url;
  request.headers = {{"content-type", "application/json"}, {"authorization", "Bearer k-123"}};
  request.body = std::move(body);
  request.total_timeout = 20s;
  return request;
}

/// Answers every request on every connection with the same bytes, then keeps the connection or closes it.
RawServer::Serve replying(std::string bytes, bool keep = true) {
  return [bytes = std::move(bytes), keep](RawConnection& connection) {
    while (connection.read_request() && connection.send(bytes) && keep) {
    }
  };
}

Outcome ask(const RawServer::Serve& serve) {
  const RawServer server(serve);
  const auto wire = transport();
  Outcome outcome = exchange(*wire, post(server.url()));
  CHECK(outcome.in_order);
  CHECK(outcome.ends == 1);
  return outcome;
}

TEST_CASE("a plain reply comes as head, bytes, end", "[contract][transport]") {
  std::string seen;
  std::string body;
  const RawServer server([&](RawConnection& connection) {
    const auto request = connection.read_request();
    if (!request) return;
    seen = request->head;
    body = request->body;
    connection.send(http_reply("hello", "X-Request-ID:  r-1 \r\n"));
  });
  const auto wire = transport();
  HttpRequest request = post(server.url("/v1/chat"), std::string("a\0b", 3));
  request.headers.emplace_back("User-Agent", "Mozilla/5.0");
  const Outcome outcome = exchange(*wire, request);
  CHECK(outcome.in_order);
  CHECK(outcome.head.status == 200);
  CHECK(outcome.head.find("x-request-id") == "r-1");
  CHECK(outcome.body == "hello");
  CHECK(outcome.end.fault == NetFault::none);
  CHECK(outcome.end.detail.empty());
  CHECK(outcome.end.possibly_billed);
  CHECK(outcome.end.timing.first_byte > 0ns);
  CHECK(outcome.end.timing.total >= outcome.end.timing.first_byte);
  CHECK(seen.starts_with("POST /v1/chat HTTP/1.1\r\n"));
  CHECK(seen.find("User-Agent: retort/") != std::string::npos);
  CHECK(seen.find("Mozilla") == std::string::npos);
  CHECK(seen.find("authorization: Bearer k-123\r\n") != std::string::npos);
  CHECK(seen.find("Expect") == std::string::npos);
  CHECK(body == std::string("a\0b", 3));
}

TEST_CASE("every framing of a complete response is understood", "[contract][transport]") {
  const std::string big(3 << 20, 'x');
  CHECK(ask(replying(
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\nTrailer: t\r\n\r\n"))
            .body == "abcde");
  CHECK(ask(replying("HTTP/1.1 200 OK\r\n\r\nuntil close", false)).body == "until close");
  CHECK(ask(replying(http_reply("bye", "Connection: close\r\n"), false)).body == "bye");
  CHECK(ask(replying(http_reply(gzip(big), "Content-Encoding: gzip\r\n"))).body == big);
  CHECK(ask(replying(http_reply(big))).body == big);
  const Outcome interim =
      ask(replying("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + http_reply("ok")));
  CHECK(interim.heads == 1);
  CHECK(interim.head.status == 200);
  CHECK_FALSE(interim.head.find("link"));
  CHECK(interim.body == "ok");
  const Outcome empty = ask(replying("HTTP/1.1 204 No Content\r\n\r\n"));
  CHECK(empty.head.status == 204);
  CHECK(empty.end.fault == NetFault::none);
}

TEST_CASE("an error status is a complete response", "[contract][transport]") {
  const Outcome outcome = ask(replying(http_reply("slow down", "Retry-After: 7\r\n", "429 Too Many Requests")));
  CHECK(outcome.end.fault == NetFault::none);
  CHECK(outcome.head.status == 429);
  CHECK(outcome.head.find("retry-after") == "7");
  CHECK(outcome.body == "slow down");
}

TEST_CASE("a cut response is broken, wherever the cut", "[contract][transport]") {
  const auto cut = [](std::string bytes, bool reset) {
    return [bytes = std::move(bytes), reset](RawConnection& connection) {
      connection.read_request();
      connection.send(bytes);
      if (reset) connection.reset();
    };
  };
  const std::string head = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n";
  const std::vector<RawServer::Serve> cuts{
      cut("", false),
      cut("", true),
      cut("HTTP/1.1 200", false),
      cut("HTTP/1.1 200 OK\r\nContent-Le", false),
      cut(head + "half", false),
      cut(head + "half", true),
      cut("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n", false),
      cut("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", false),
      cut("HTTP/1.1 100 Continue\r\n\r\n", false),
      cut("HTTX/7 what\r\n\r\n", false),
      cut("<html>no headers at all</html>", false),
      cut(http_reply("this is no gzip at all", "Content-Encoding: gzip\r\n"), false)};
  for (std::size_t i = 0; i < cuts.size(); ++i) {
    CAPTURE(i);
    const Outcome outcome = ask(cuts[i]);
    CHECK(outcome.end.fault == NetFault::broken);
    CHECK(outcome.end.possibly_billed);
    CHECK_FALSE(outcome.end.detail.empty());
    CHECK(outcome.end.detail.find("k-123") == std::string::npos);
  }
}

TEST_CASE("a gzip stream cut inside a complete response is left to the decoder", "[contract][transport]") {
  std::string text;
  for (int i = 0; i < 1000; ++i) text += std::to_string(i * i);
  const std::string packed = gzip(text);
  const Outcome outcome = ask(replying(http_reply(packed.substr(0, packed.size() / 2), "Content-Encoding: gzip\r\n")));
  CHECK(outcome.body.size() < text.size());
  CHECK(text.starts_with(outcome.body));
}

TEST_CASE("size is bounded after decompression, and so are headers", "[contract][transport]") {
  const auto bounded = [](std::string reply) {
    const RawServer server(replying(std::move(reply), false));
    const auto wire = transport();
    HttpRequest request = post(server.url());
    request.body_bytes_max = 100'000;
    return exchange(*wire, request);
  };
  const std::string exact(100'000, 'x');
  CHECK(bounded(http_reply(exact)).end.fault == NetFault::none);
  CHECK(bounded(http_reply(exact + "x")).end.fault == NetFault::too_large);
  const Outcome bomb = bounded(http_reply(gzip(std::string(64 << 20, '\0')), "Content-Encoding: gzip\r\n"));
  CHECK(bomb.end.fault == NetFault::too_large);
  CHECK(bomb.body.size() <= 100'000);
  CHECK(bounded(http_reply("x", "X-Big: " + std::string(4 << 20, 'h') + "\r\n")).end.fault == NetFault::too_large);
  std::string many;
  for (int i = 0; i < 40'000; ++i) many += "X-Many: 0123456789\r\n";
  CHECK(bounded(http_reply("x", many)).end.fault == NetFault::too_large);
}

TEST_CASE("a redirect is an answer, not an order", "[contract][transport]") {
  const RawServer elsewhere(replying(http_reply("stolen")));
  const Outcome outcome =
      ask(replying(http_reply("", "Location: " + elsewhere.url("/x") + "\r\n", "307 Temporary Redirect")));
  CHECK(outcome.head.status == 307);
  CHECK(outcome.end.fault == NetFault::none);
  CHECK(elsewhere.connections() == 0);
}

TEST_CASE("each time-out fires, and says which", "[contract][transport]") {
  const auto wire = transport();
  const RawServer silent([](RawConnection& connection) {
    connection.read_request();
    connection.pause(20s);
  });
  const RawServer drip([](RawConnection& connection) {
    connection.read_request();
    connection.send("HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n");
    while (connection.pause(10ms) && connection.send("x")) {
    }
  });
  const RawServer headed([](RawConnection& connection) {
    connection.read_request();
    connection.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n");
    connection.pause(20s);
  });
  const RawServer stalls([](RawConnection& connection) {
    connection.read_request();
    connection.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nx");
    connection.pause(20s);
  });
  HttpRequest request = post(silent.url());

  SECTION("total, without a byte") { request.total_timeout = 150ms; }
  SECTION("first byte") { request.first_byte_timeout = 150ms; }
  SECTION("first byte, after a head that came at once") {
    request.url = headed.url();
    request.first_byte_timeout = 150ms;
    request.idle_timeout = 10ms;  // between portions only
  }
  SECTION("total, against a server that drips") {
    request.url = drip.url();
    request.idle_timeout = 5s;
    request.total_timeout = 300ms;
  }
  SECTION("idle") {
    request.url = stalls.url();
    request.first_byte_timeout = 10s;  // the deadline comes nearer with the first byte
    request.idle_timeout = 150ms;
  }
  const Outcome outcome = exchange(*wire, request);
  CHECK(outcome.end.fault == NetFault::timeout);
  CHECK(outcome.end.possibly_billed);
  CHECK(outcome.end.detail.find(" ms") != std::string::npos);
  CHECK(outcome.end.timing.total >= 150ms);
  CHECK(outcome.end.timing.total < 9s);
}

TEST_CASE("a slow but steady stream outlives its idle time-out", "[contract][transport]") {
  const RawServer steady([](RawConnection& connection) {
    connection.read_request();
    connection.send("HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\n");
    for (int i = 0; i < 8; ++i) {
      connection.pause(100ms);
      connection.send("x");
    }
  });
  const auto wire = transport();
  HttpRequest request = post(steady.url());
  request.idle_timeout = 700ms;
  const Outcome outcome = exchange(*wire, request);
  CHECK(outcome.end.fault == NetFault::none);
  CHECK(outcome.body == "xxxxxxxx");
}

TEST_CASE("what never reached a server is not billed", "[contract][transport]") {
  const auto wire = transport();
  int closed_port = 0;
  { closed_port = RawServer(replying("")).port(); }
  HttpRequest request;
  NetFault expected = NetFault::local;
  SECTION("nobody listens") {
    request = post("http://127.0.0.1:" + std::to_string(closed_port));
    expected = NetFault::connect;
  }
  SECTION("no such name") {
    request = post("http://nonexistent.invalid/");
    expected = NetFault::resolve;
  }
  SECTION("no URL") { request = post("what is this"); }
  SECTION("another protocol") { request = post("file:///etc/passwd"); }
  SECTION("a credential in the URL") { request = post("http://user:secret@127.0.0.1:" + std::to_string(closed_port)); }
  SECTION("a line break in a header") {
    request = post("http://127.0.0.1:" + std::to_string(closed_port));
    request.headers.emplace_back("x-evil", "a\r\nx-more: b");
  }
  const Outcome outcome = exchange(*wire, request);
  CHECK(outcome.end.fault == expected);
  CHECK_FALSE(outcome.end.possibly_billed);
  CHECK_FALSE(outcome.end.detail.empty());
  CHECK(outcome.end.detail.find("secret") == std::string::npos);
  CHECK(outcome.heads == 0);
}

TEST_CASE("a handshake that never ends is no connection", "[contract][transport]") {
  const RawServer silent([](RawConnection& connection) {
    while (connection.read_request()) {
    }
  });
  const auto wire = transport();
  HttpRequest request = post("https://127.0.0.1:" + std::to_string(silent.port()));
  request.connect_timeout = 200ms;
  const Outcome outcome = exchange(*wire, request);
  CHECK(outcome.end.fault == NetFault::connect);
  CHECK_FALSE(outcome.end.possibly_billed);
}

TEST_CASE("requests that wait for one connection do not wait in turns", "[contract][transport]") {
  const RawServer silent([](RawConnection& connection) {
    while (connection.read_request()) {
    }
  });
  const auto wire = transport();
  HttpRequest request = post("https://127.0.0.1:" + std::to_string(silent.port()));
  request.connect_timeout = 1s;
  constexpr std::size_t kRequests = 40;
  for (std::uint64_t id = 1; id <= kRequests; ++id) wire->submit(ExchangeId{id}, request);
  const auto outcomes = collect(*wire, kRequests, 20s);  // in turns it would be forty
  CHECK(outcomes.size() == kRequests);
  for (const auto& [id, outcome] : outcomes) {
    CHECK(outcome.end.fault == NetFault::connect);
    CHECK_FALSE(outcome.end.possibly_billed);
    CHECK_FALSE(outcome.end.detail.empty());
  }
}

TEST_CASE("a dead kept-alive connection costs nothing", "[contract][transport]") {
  // The first connection answers once and then dies on the second request, as a server does whose keep-alive ran out.
  std::atomic<int> requests{0};
  bool hard = false;
  SECTION("closed") {}
  SECTION("reset") { hard = true; }
  const RawServer server([&](RawConnection& connection) {
    while (connection.read_request()) {
      ++requests;
      if (connection.index() == 0 && requests > 1) {
        if (hard) connection.reset();
        return;
      }
      connection.send(http_reply("ok"));
    }
  });
  const auto wire = transport();
  CHECK(exchange(*wire, post(server.url())).body == "ok");
  const Outcome second = exchange(*wire, post(server.url()));
  CHECK(second.end.fault == NetFault::none);
  CHECK(second.body == "ok");
  CHECK(server.connections() == 2);
  CHECK(requests == 3);
}

TEST_CASE("connections are kept alive", "[contract][transport]") {
  const RawServer server(replying(http_reply("ok")));
  const auto wire = transport();
  for (int i = 0; i < 20; ++i) REQUIRE(exchange(*wire, post(server.url())).body == "ok");
  CHECK(server.connections() == 1);
}

TEST_CASE("wake() ends a wait from another thread, once or before it begins", "[contract][transport]") {
  const auto wire = transport();
  const auto woken = [&](Duration patience) {
    int count = 0;
    for (const NetEvent& event : wire->wait(kClock.now() + patience)) count += std::holds_alternative<Woken>(event);
    return count;
  };
  CHECK(woken(0s) == 0);
  wire->wake();
  wire->wake();
  CHECK(woken(20s) == 1);
  CHECK(woken(0s) == 0);
  const auto other = std::async(std::launch::async, [&] {
    std::this_thread::sleep_for(50ms);
    wire->wake();
  });
  CHECK(woken(20s) == 1);
}

TEST_CASE("wait() returns at its deadline, and polls if that is past", "[contract][transport]") {
  const RawServer server(replying(http_reply("ok")));
  const auto wire = transport();
  const Instant start = kClock.now();
  CHECK(wire->wait(start + 50ms).empty());
  CHECK(kClock.now() >= start + 50ms);
  wire->submit({1}, post(server.url()));
  int ends = 0;
  for (int polls = 0; ends == 0 && polls < 100'000; ++polls) {
    for (const NetEvent& event : wire->wait(Instant{0})) ends += std::holds_alternative<ResponseEnd>(event);
  }
  CHECK(ends == 1);
}

TEST_CASE("nothing comes of a cancelled exchange", "[contract][transport]") {
  const RawServer server([](RawConnection& connection) {
    connection.read_request();
    connection.pause(100ms);
    connection.send(http_reply("late"));
  });
  const auto wire = transport();
  wire->submit({1}, post(server.url()));
  wire->submit({2}, post(server.url()));
  wire->cancel({1});  // queued
  CHECK(wire->wait(kClock.now() + 20ms).empty());
  wire->cancel({2});  // on the wire
  wire->cancel({3});  // unknown
  CHECK(wire->wait(kClock.now() + 300ms).empty());
  wire->submit({4}, post(server.url()));
  const auto outcomes = collect(*wire, 1);
  CHECK(outcomes.size() == 1);
  CHECK(outcomes.at(4).body == "late");
}

TEST_CASE("hundreds of exchanges run at once, each with its own answer", "[contract][transport]") {
  constexpr std::uint64_t kCount = 500;
  std::atomic<int> waiting{0};
  std::atomic<int> most{0};
  const RawServer server([&](RawConnection& connection) {
    while (const auto request = connection.read_request()) {
      const int now = ++waiting;
      for (int seen = most; now > seen && !most.compare_exchange_weak(seen, now);) {
      }
      connection.pause(200ms);
      --waiting;
      connection.send(http_reply("re: " + request->body));
    }
  });
  int limit = 1000;
  SECTION("all at once") {}
  SECTION("through a narrow gate") { limit = 60; }
  const auto wire = transport({.max_connections = limit});
  for (std::uint64_t id = 1; id <= kCount; ++id) wire->submit({id}, post(server.url(), std::to_string(id)));
  const auto outcomes = collect(*wire, kCount);
  REQUIRE(outcomes.size() == kCount);
  for (const auto& [id, outcome] : outcomes) {
    REQUIRE(outcome.in_order);
    REQUIRE(outcome.end.fault == NetFault::none);
    REQUIRE(outcome.body == "re: " + std::to_string(id));
  }
  CHECK(most <= limit);
  if (limit < 100) CHECK(server.connections() <= limit);
}

TEST_CASE("the environment's proxy is not obeyed, a configured one is", "[contract][transport]") {
  const RawServer proxy([](RawConnection& connection) {
    while (const auto request = connection.read_request())
      connection.send(http_reply("via proxy: " + request->target()));
  });
  const RawServer server(replying(http_reply("direct")));
  setenv("http_proxy", proxy.url("").c_str(), 1);
  CHECK(exchange(*transport(), post(server.url())).body == "direct");
  unsetenv("http_proxy");
  const auto wire = transport({.proxy = proxy.url(""), .max_connections = 4});
  CHECK(exchange(*wire, post("http://teacher.invalid/v1")).body == "via proxy: http://teacher.invalid/v1");
}

TEST_CASE("descriptors are claimed up to the hard limit, and connections clamped to those", "[contract][transport]") {
  rlimit before{};
  REQUIRE(getrlimit(RLIMIT_NOFILE, &before) == 0);
  CHECK(claim_connections(10) == 10);
  CHECK(claim_connections(0) == 1);
  rlimit low = before;
  low.rlim_cur = 128;
  REQUIRE(setrlimit(RLIMIT_NOFILE, &low) == 0);
  CHECK(claim_connections(64) == 64);
  rlimit now{};
  REQUIRE(getrlimit(RLIMIT_NOFILE, &now) == 0);
  CHECK(now.rlim_cur == 128);
  CHECK(claim_connections(200) == 200);
  REQUIRE(getrlimit(RLIMIT_NOFILE, &now) == 0);
  CHECK(now.rlim_cur == 264);
  REQUIRE(setrlimit(RLIMIT_NOFILE, &before) == 0);
}

TEST_CASE("a certificate file that is not there is the user's mistake", "[contract][transport]") {
  const auto made = make_curl_transport({.ca_bundle = "/nonexistent/ca.pem", .max_connections = 4}, kClock);
  REQUIRE_FALSE(made.has_value());
  CHECK(made.error().code == Errc::usage);
}

}  // namespace
}  // namespace retort
