#include "engine/store/sealing.hpp"

#include <openssl/evp.h>

#include <limits>
#include <memory>

namespace herald {
namespace {

struct free_context {
  void operator()(EVP_CIPHER_CTX* context) const {
    EVP_CIPHER_CTX_free(context);
  }
};

using context_pointer = std::unique_ptr<EVP_CIPHER_CTX, free_context>;

const unsigned char* in(bytes_view data) {
  return reinterpret_cast<const unsigned char*>(data.data());
}

unsigned char* out(bytes& data) {
  return reinterpret_cast<unsigned char*>(data.data());
}

bool fits(bytes_view data) {
  return data.size() < std::numeric_limits<int>::max() - 64;
}

int length(bytes_view data) {
  return static_cast<int>(data.size());
}

std::unexpected<failure> refused() {
  return fail(fault::io, "the cryptographic library refused AES-256-GCM");
}

} // namespace

result<bytes> gcm_seal(const aes_256_key& key, const gcm_nonce& nonce,
  bytes_view plain, bytes_view associated) {
  if (!fits(plain) || !fits(associated))
    return fail(fault::too_large, "too many bytes to seal at once");
  context_pointer context{EVP_CIPHER_CTX_new()};
  bytes sealed(plain.size() + gcm_tag_bytes, '\0');
  int done = 0;
  int last = 0;
  // The nonce's length is GCM's default, 12 bytes.
  bool ok = context
    && EVP_EncryptInit_ex(
         context.get(), EVP_aes_256_gcm(), nullptr, key.data(), nonce.data())
      == 1
    && EVP_EncryptUpdate(
         context.get(), nullptr, &last, in(associated), length(associated))
      == 1
    && EVP_EncryptUpdate(
         context.get(), out(sealed), &done, in(plain), length(plain))
      == 1
    && EVP_EncryptFinal_ex(context.get(), out(sealed) + done, &last) == 1
    && EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_GCM_GET_TAG, gcm_tag_bytes,
         out(sealed) + plain.size())
      == 1;
  if (!ok)
    return refused();
  return sealed;
}

result<bytes> gcm_open(const aes_256_key& key, const gcm_nonce& nonce,
  bytes_view sealed, bytes_view associated) {
  if (sealed.size() < gcm_tag_bytes || !fits(sealed) || !fits(associated))
    return fail(fault::damaged, "sealed bytes of an impossible length");
  auto cipher = sealed.substr(0, sealed.size() - gcm_tag_bytes);
  bytes tag{sealed.substr(cipher.size())};
  context_pointer context{EVP_CIPHER_CTX_new()};
  bytes plain(cipher.size(), '\0');
  int done = 0;
  int last = 0;
  bool ok = context
    && EVP_DecryptInit_ex(
         context.get(), EVP_aes_256_gcm(), nullptr, key.data(), nonce.data())
      == 1
    && EVP_DecryptUpdate(
         context.get(), nullptr, &last, in(associated), length(associated))
      == 1
    && EVP_DecryptUpdate(
         context.get(), out(plain), &done, in(cipher), length(cipher))
      == 1
    && EVP_CIPHER_CTX_ctrl(
         context.get(), EVP_CTRL_GCM_SET_TAG, gcm_tag_bytes, out(tag))
      == 1;
  if (!ok)
    return refused();
  if (EVP_DecryptFinal_ex(context.get(), out(plain) + done, &last) != 1)
    return fail(fault::damaged,
      "sealed bytes were changed, or belong to another context");
  return plain;
}

} // namespace herald
