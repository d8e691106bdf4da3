#pragma once

#include "protocol/bytes.hpp"
#include "protocol/failure.hpp"

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace herald {

/// How the records of a batch are compressed. The numbers are Kafka's: bits 0
/// to 2 of a batch's attributes.
enum class compression : std::uint8_t {
  none = 0,
  gzip = 1,
  snappy = 2,
  lz4 = 3,
  zstd = 4,
};

/// What a batch may inflate to where a caller names no bound of its own: four
/// times the largest document that Herald takes.
constexpr std::size_t inflated_bytes_max = 64u << 20;

/// "none", "gzip", "snappy", "lz4" or "zstd", as Kafka spells them.
std::string_view to_string(compression codec);

/// Compresses `plain` as Kafka's clients expect it: a gzip member, a raw
/// snappy block, an lz4 frame of independent blocks, a zstd frame. With
/// compression::none it returns a copy. From any thread.
bytes compress(compression codec, bytes_view plain);

/// Undoes compress(), and reads what other clients write: several gzip
/// members, snappy in the Java clients' (xerial) framing, dependent lz4
/// blocks. From any thread.
///
/// The output is never larger than `bytes_max`: more is fault::too_large, and
/// hardly more is ever allocated (zstd keeps a window of at most 8 MiB, or of
/// `bytes_max`, beside it). Input that is cut off, damaged or
/// followed by foreign bytes is fault::invalid_input.
result<bytes> decompress(
  compression codec, bytes_view packed, std::size_t bytes_max);

} // namespace herald
