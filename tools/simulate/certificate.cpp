#include "tools/simulate/certificate.hpp"

#include <memory>
#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

namespace herald::simulate {

namespace {

template <auto Free>
struct freed_by {
  template <class T>
  void operator()(T* what) const {
    Free(what);
  }
};

using key_ptr = std::unique_ptr<EVP_PKEY, freed_by<EVP_PKEY_free>>;
using certificate_ptr = std::unique_ptr<X509, freed_by<X509_free>>;
using bio_ptr = std::unique_ptr<BIO, freed_by<BIO_free_all>>;
using extension_ptr
  = std::unique_ptr<X509_EXTENSION, freed_by<X509_EXTENSION_free>>;

std::string text_of(BIO* bio) {
  char* data = nullptr;
  auto size = BIO_get_mem_data(bio, &data);
  return {data, static_cast<std::size_t>(size)};
}

bool add_extension(X509* to, int kind, const char* value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, to, to, nullptr, nullptr, 0);
  extension_ptr made{X509V3_EXT_conf_nid(nullptr, &context, kind, value)};
  return made && X509_add_ext(to, made.get(), -1) == 1;
}

bool fill(X509* made, EVP_PKEY* key) {
  std::uint64_t serial = 0;
  if (RAND_bytes(reinterpret_cast<unsigned char*>(&serial), sizeof serial) != 1)
    return false;
  constexpr long day = 24 * 3600;
  auto* name = X509_get_subject_name(made);
  return X509_set_version(made, X509_VERSION_3) == 1
    && ASN1_INTEGER_set_uint64(X509_get_serialNumber(made), serial >> 1) == 1
    && X509_gmtime_adj(X509_getm_notBefore(made), -day) != nullptr
    && X509_gmtime_adj(X509_getm_notAfter(made), 30 * day) != nullptr
    && X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
         reinterpret_cast<const unsigned char*>("herald simulate"), -1, -1, 0)
    == 1
    && X509_set_issuer_name(made, name) == 1 && X509_set_pubkey(made, key) == 1
    && add_extension(made, NID_subject_alt_name,
      "IP:127.0.0.1,IP:0:0:0:0:0:0:0:1,DNS:localhost")
    && X509_sign(made, key, EVP_sha256()) > 0;
}

} // namespace

result<self_signed> make_self_signed() {
  key_ptr key{EVP_EC_gen("P-256")};
  certificate_ptr made{X509_new()};
  if (!key || !made || !fill(made.get(), key.get()))
    return fail(fault::io, "OpenSSL cannot make a certificate");
  bio_ptr certificate{BIO_new(BIO_s_mem())};
  bio_ptr secret{BIO_new(BIO_s_mem())};
  if (!certificate || !secret
    || PEM_write_bio_X509(certificate.get(), made.get()) != 1
    || PEM_write_bio_PrivateKey(
         secret.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr)
      != 1)
    return fail(fault::io, "OpenSSL cannot write a certificate");
  return self_signed{text_of(certificate.get()), text_of(secret.get())};
}

} // namespace herald::simulate
