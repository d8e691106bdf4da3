#pragma once

#include "protocol/bytes.hpp"
#include "protocol/failure.hpp"

#include <array>
#include <cstdint>

namespace herald {

using aes_256_key = std::array<std::uint8_t, 32>;
using gcm_nonce = std::array<std::uint8_t, 12>;

/// Bytes that AES-256-GCM adds behind the ciphertext to tell tampering.
constexpr std::size_t gcm_tag_bytes = 16;

/// AES-256-GCM: ciphertext and tag. `associated` is not in the output, but
/// gcm_open() must be given the same. A nonce serves a key only once.
result<bytes> gcm_seal(const aes_256_key& key, const gcm_nonce& nonce,
  bytes_view plain, bytes_view associated);

/// Undoes gcm_seal(); fault::damaged when key, nonce, bytes or associated data
/// are not those of the sealing.
result<bytes> gcm_open(const aes_256_key& key, const gcm_nonce& nonce,
  bytes_view sealed, bytes_view associated);

} // namespace herald
