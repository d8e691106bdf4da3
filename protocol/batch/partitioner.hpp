#pragma once

#include "protocol/bytes.hpp"

#include <cstdint>

namespace herald {

/// MurmurHash2 with the seed of Apache Kafka's Java clients.
std::uint32_t murmur2(bytes_view key);

/// The partition of `key` among `partitions` (at least 1), as the Java clients
/// choose it, so that their producers and Herald agree on where a key lives.
std::uint32_t partition_of(bytes_view key, std::uint32_t partitions);

} // namespace herald
