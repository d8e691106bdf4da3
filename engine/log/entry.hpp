#pragma once

#include "protocol/batch/record_batch.hpp"
#include "protocol/bytes.hpp"
#include "protocol/failure.hpp"
#include "protocol/position.hpp"

#include <array>
#include <cstddef>
#include <cstdint>

namespace herald {

// What the log stores for a batch, under the key base-offset:u64. Integers are
// big-endian.
//
//     entry = version:u8(1) codec:u8 zero:u8[6] term:u64 chain:byte[16] batch
//
// `codec` repeats the batch's compression, `term` is that of the leader who
// wrote it (the batch's leader epoch holds its low 31 bits). `chain` is the
// XXH3-128 (canonical, big-endian) of this very entry with the chain of the
// entry before it in the place of its own: no byte of any batch can change,
// move or vanish unnoticed, the 16 that the batch's CRC leaves out included.
// The chain of a partition starts from its anchor; the first anchor is the
// XXH3-128 of topic-uuid:byte[16] partition:u32, so that one partition's
// entries do not pass for another's.
//
// Example: an entry of term 0 with an uncompressed batch of 68 bytes.
//
//     01 00 000000000000 0000000000000000 <16 bytes> <68 bytes>    100 in all

/// Bytes in front of the batch.
constexpr std::size_t entry_header_bytes = 32;

/// A link of the chain over a partition's entries.
using chain_hash = std::array<std::uint8_t, 16>;

/// The anchor of a partition that has lost no batch yet.
chain_hash first_anchor(
  const std::array<std::uint8_t, 16>& topic, std::uint32_t partition);

/// Writes the entry for `batch` over entry_header_bytes + batch.size() bytes at
/// `to` and returns its chain. The batch has its final offset and epoch.
chain_hash write_entry(
  char* to, std::uint64_t term, bytes_view batch, const chain_hash& previous);

/// An entry seen in place.
struct entry_view {
  std::uint64_t term = 0;
  chain_hash chain{};
  batch_view batch;
};

/// Checks everything about an entry but its chain: version, codec, term, the
/// batch with its CRC, that it stands at `key`, and that its offsets are dense,
/// unless compaction may have left gaps among them. fault::damaged, or
/// fault::version for an entry of a newer Herald; the words do not say where,
/// which the caller knows.
result<entry_view> read_entry(bytes_view entry, offset key, bool gaps = false);

/// The chain that an entry says it has, of at least entry_header_bytes.
chain_hash told_chain(bytes_view entry);

/// The chain that an entry should have after `previous`. The entry has at least
/// entry_header_bytes.
chain_hash chain_of(bytes_view entry, const chain_hash& previous);

/// Record time of the batch's first record, or of its last where they differ in
/// the wrong direction (a foreign client's batch).
std::int64_t first_timestamp_ms(const batch_view& batch);

} // namespace herald
