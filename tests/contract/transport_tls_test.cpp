// Certificates: a server that nobody vouches for gets no request, and there is no way round but naming its certificate.
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>

#include <httplib.h>

#include "core/net/curl_transport.h"
#include "tests/catch.h"
#include "tests/support/exchange.h"

namespace retort {
namespace {

const SystemClock kClock;

struct Identity {
  std::unique_ptr<EVP_PKEY, void (*)(EVP_PKEY*)> key{EVP_EC_gen("P-256"), EVP_PKEY_free};
  std::unique_ptr<X509, void (*)(X509*)> certificate{X509_new(), X509_free};
};

/// Self-signed, for `names` ("IP:127.0.0.1" or "DNS:…"), valid from now for `seconds` (negative: expired).
Identity identity(const std::string& names, long seconds) {
  Identity made;
  X509* x509 = made.certificate.get();
  X509_set_version(x509, 2);
  ASN1_INTEGER_set(X509_get_serialNumber(x509), 1);
  X509_gmtime_adj(X509_getm_notBefore(x509), -7200);
  X509_gmtime_adj(X509_getm_notAfter(x509), seconds);
  X509_set_pubkey(x509, made.key.get());
  X509_NAME* name = X509_get_subject_name(x509);
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>("retort test"), -1, -1,
                             0);
  X509_set_issuer_name(x509, name);
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, names.c_str());
  X509_add_ext(x509, extension, -1);
  X509_EXTENSION_free(extension);
  REQUIRE(X509_sign(x509, made.key.get(), EVP_sha256()) > 0);
  return made;
}

/// Trusts the server's certificate through ca_bundle, or nobody but the system's authorities.
Outcome ask_tls_server(const std::string& names, long seconds, bool trusted) {
  const Identity id = identity(names, seconds);
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
    std::FILE* pem = std::fopen(file.c_str(), "w");
    PEM_write_X509(pem, id.certificate.get());
    std::fclose(pem);
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

}  // namespace
}  // namespace retort
