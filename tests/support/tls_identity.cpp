#include "tests/support/tls_identity.h"

#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <cstdio>

#include "core/base/assert.h"

namespace retort {

TlsIdentity tls_identity(const std::string& names, long seconds) {
  TlsIdentity made;
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
  RETORT_ASSERT(X509_sign(x509, made.key.get(), EVP_sha256()) > 0);
  return made;
}

void write_certificate(const TlsIdentity& identity, const std::string& path) {
  std::FILE* file = std::fopen(path.c_str(), "w");
  RETORT_ASSERT(file != nullptr && PEM_write_X509(file, identity.certificate.get()) == 1);
  std::fclose(file);
}

TlsContext tls_context(const TlsIdentity& identity) {
  TlsContext context(SSL_CTX_new(TLS_server_method()), SSL_CTX_free);
  RETORT_ASSERT(SSL_CTX_use_certificate(context.get(), identity.certificate.get()) == 1);
  RETORT_ASSERT(SSL_CTX_use_PrivateKey(context.get(), identity.key.get()) == 1);
  return context;
}

}  // namespace retort
