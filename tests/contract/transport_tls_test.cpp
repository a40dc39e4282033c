// Certificates: a server that nobody vouches for gets no request, and there is no way round but naming its certificate.
#include <atomic>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>

#include <httplib.h>

#include "core/net/curl_transport.h"
#include "tests/catch.h"
#include "tests/support/exchange.h"
#include "tests/support/raw_server.h"
#include "tests/support/tls_identity.h"

namespace retort {
namespace {

const SystemClock kClock;

/// Trusts the server's certificate through ca_bundle, or nobody but the system's authorities.
Outcome ask_tls_server(const std::string& names, long seconds, bool trusted) {
  const TlsIdentity id = tls_identity(names, seconds);
  httplib::SSLServer server(id.certificate.get(), id.key.get());
  REQUIRE(server.is_valid());
  int requests = 0;
  server.Post("/", [&](const httplib::Request&, httplib::Response& response) {
    ++requests;
    response.set_content("secret", "text/plain");
  });
  const int port = server.bind_to_any_port("127.0.0.1");
  std::thread thread([&] { server.listen_after_bind(); });
  while (!server.is_running()) std::this_thread::yield();

  const auto file = std::filesystem::temp_directory_path() / ("retort-tls-" + std::to_string(port) + ".pem");
  TransportSettings settings;
  if (trusted) {
    write_certificate(id, file);
    settings.ca_bundle = file;
  }
  Outcome outcome;
  {
    auto wire = make_curl_transport(settings, kClock);
    REQUIRE_OK(wire);
    HttpRequest request;
    request.url = "https://127.0.0.1:" + std::to_string(port) + "/";
    request.body = "{}";
    request.total_timeout = 20s;
    outcome = exchange(**wire, request);
  }
  std::filesystem::remove(file);
  server.stop();
  thread.join();
  CHECK(requests == (outcome.end.fault == NetFault::none ? 1 : 0));
  return outcome;
}

TEST_CASE("a server that nobody vouches for gets no request", "[contract][transport][tls]") {
  Outcome outcome;
  SECTION("self-signed") { outcome = ask_tls_server("IP:127.0.0.1", 3600, false); }
  SECTION("for another host") { outcome = ask_tls_server("DNS:teacher.example", 3600, true); }
  SECTION("expired") { outcome = ask_tls_server("IP:127.0.0.1", -3600, true); }
  CHECK(outcome.end.fault == NetFault::tls);
  CHECK_FALSE(outcome.end.possibly_billed);
  CHECK_FALSE(outcome.end.detail.empty());
}

TEST_CASE("a certificate named in ca_bundle is trusted", "[contract][transport][tls]") {
  const Outcome outcome = ask_tls_server("IP:127.0.0.1", 3600, true);
  CHECK(outcome.end.fault == NetFault::none);
  CHECK(outcome.body == "secret");
}

HttpRequest post(int port) {
  HttpRequest request;
  request.url = "https://127.0.0.1:" + std::to_string(port) + "/";
  request.headers = {{"authorization", "Bearer k-123"}};
  request.body = "{}";
  request.total_timeout = 20s;
  return request;
}

TEST_CASE("a server that speaks TLS 1.0 alone gets no request", "[contract][transport][tls]") {
  const bool outdated = GENERATE(true, false);
  const TlsIdentity id = tls_identity("IP:127.0.0.1", 3600);
  const TlsContext context = tls_context(id);
  // Without its level of security OpenSSL would not even serve this version.
  REQUIRE(SSL_CTX_set_cipher_list(context.get(), "DEFAULT:@SECLEVEL=0") == 1);
  if (outdated) {
    REQUIRE(SSL_CTX_set_min_proto_version(context.get(), TLS1_VERSION) == 1);
    REQUIRE(SSL_CTX_set_max_proto_version(context.get(), TLS1_VERSION) == 1);
  }
  std::atomic<int> requests{0};
  const RawServer server([&](RawConnection& connection) {
    const TlsStream stream(SSL_new(context.get()), SSL_free);
    SSL_set_fd(stream.get(), connection.descriptor());
    char block[4096];
    if (SSL_accept(stream.get()) != 1 || SSL_read(stream.get(), block, sizeof block) <= 0) return;
    ++requests;
    const std::string reply = http_reply("ok");
    SSL_write(stream.get(), reply.data(), static_cast<int>(reply.size()));
  });
  const auto file = std::filesystem::temp_directory_path() / ("retort-tls10-" + std::to_string(server.port()) + ".pem");
  write_certificate(id, file);
  auto wire = make_curl_transport({.ca_bundle = file, .max_connections = 4}, kClock);
  REQUIRE_OK(wire);
  const Outcome outcome = exchange(**wire, post(server.port()));
  std::filesystem::remove(file);
  CHECK(outcome.end.fault == (outdated ? NetFault::tls : NetFault::none));
  CHECK(outcome.end.possibly_billed == !outdated);
  CHECK(requests == (outdated ? 0 : 1));
}

TEST_CASE("a server without TLS gets nothing in the clear", "[contract][transport][tls]") {
  std::atomic<int> requests{0};
  const RawServer server([&](RawConnection& connection) {
    connection.send("HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n");
    if (connection.read_request()) ++requests;
  });
  auto wire = make_curl_transport({}, kClock);
  REQUIRE_OK(wire);
  const Outcome outcome = exchange(**wire, post(server.port()));
  CHECK(outcome.end.fault == NetFault::tls);
  CHECK_FALSE(outcome.end.possibly_billed);
  CHECK(requests == 0);
}

}  // namespace
}  // namespace retort
