// Certificates made on the spot, for servers of tests.
#pragma once

#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <memory>
#include <string>

namespace retort {

struct TlsIdentity {
  std::unique_ptr<EVP_PKEY, void (*)(EVP_PKEY*)> key{EVP_EC_gen("P-256"), EVP_PKEY_free};
  std::unique_ptr<X509, void (*)(X509*)> certificate{X509_new(), X509_free};
};
using TlsContext = std::unique_ptr<SSL_CTX, void (*)(SSL_CTX*)>;
using TlsStream = std::unique_ptr<SSL, void (*)(SSL*)>;

/// Self-signed, for `names` ("IP:127.0.0.1" or "DNS:…"), valid from now for `seconds` (negative: expired).
TlsIdentity tls_identity(const std::string& names, long seconds);
/// As PEM, for ca_bundle.
void write_certificate(const TlsIdentity& identity, const std::string& path);
/// Of a server with that identity.
TlsContext tls_context(const TlsIdentity& identity);

}  // namespace retort
