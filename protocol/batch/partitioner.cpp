#include "protocol/batch/partitioner.hpp"

#include <cassert>
#include <cstddef>

namespace herald {

std::uint32_t murmur2(bytes_view key) {
  constexpr std::uint32_t multiplier = 0x5bd1e995;
  auto byte = [&](std::size_t i) {
    return std::uint32_t{static_cast<std::uint8_t>(key[i])};
  };
  std::uint32_t hash = 0x9747b28c ^ static_cast<std::uint32_t>(key.size());
  std::size_t at = 0;
  for (; key.size() - at >= 4; at += 4) {
    auto word
      = byte(at) | byte(at + 1) << 8 | byte(at + 2) << 16 | byte(at + 3) << 24;
    word *= multiplier;
    word ^= word >> 24;
    word *= multiplier;
    hash = hash * multiplier ^ word;
  }
  auto left = key.size() - at;
  if (left >= 3)
    hash ^= byte(at + 2) << 16;
  if (left >= 2)
    hash ^= byte(at + 1) << 8;
  if (left >= 1) {
    hash ^= byte(at);
    hash *= multiplier;
  }
  hash ^= hash >> 13;
  hash *= multiplier;
  hash ^= hash >> 15;
  return hash;
}

std::uint32_t partition_of(bytes_view key, std::uint32_t partitions) {
  assert(partitions > 0);
  return (murmur2(key) & 0x7fffffff) % partitions;
}

} // namespace herald
