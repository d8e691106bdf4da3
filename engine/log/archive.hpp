#pragma once

#include "engine/log/entry.hpp"
#include "engine/log/event_log.hpp"
#include "protocol/position.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace herald {

// The archive: old batches of a partition that left the log's environment and
// stand in segment files (engine/log/segment.hpp) below the data folder,
//
//     archive/TOPIC-ID/PARTITION/00000000000000000042.segment
//
// (ID: the first eight hex digits of the topic's uuid, since another topic may
// get the name later),
// registered in the log's table `segments`, each row with its check
// (engine/log/checked_row.hpp). Integers are big-endian.
//
//     uuid:byte[16] partition:u32 first:u64
//       -> 1 next:u64 anchor:byte[16] head:byte[16] batches:u64 records:u64
//          bytes:u64 first-ms:i64 last-ms:i64 file-bytes:u64 digest:byte[16]
//          file:byte*                       ; below "archive"
//     uuid:byte[16] partition:u32
//       -> 1 live-start:u64 live-anchor:byte[16]
//
// Segments follow on one another without gaps and begin with the partition's
// anchor. The environment holds the batches from live-start on, in front of
// which the chain is live-anchor; both move with each bounded commit that
// removes archived batches, so that the two halves always fit: what lies
// between live-start and the end of the last segment is in both. A partition
// that was never archived has neither.

/// A segment that is attached to a partition.
struct segment_info {
  /// Below the folder "archive" of the data folder.
  std::string file;
  offset first;
  offset next;
  chain_hash anchor{};
  chain_hash head{};
  std::uint64_t batches = 0;
  std::uint64_t records = 0;
  std::uint64_t batch_bytes = 0;
  std::int64_t first_ms = 0;
  std::int64_t last_ms = 0;
  std::uint64_t file_bytes = 0;
  std::array<std::uint8_t, 16> digest{};
  bool operator==(const segment_info&) const = default;
};

/// How archiving works.
struct archive_settings {
  /// A segment ends when it has so many bytes of batches.
  std::uint64_t segment_bytes = 256u << 20;
  /// Train dictionaries and pack; otherwise entries are kept as they are.
  bool pack = true;
  /// What one commit removes from the environment.
  std::size_t remove_bytes_max = 8u << 20;
  std::size_t remove_batches_max = 2'000;
  /// What one read transaction copies.
  std::size_t read_bytes = 4u << 20;
  /// Asked between two steps; false ends the work there, and the next call
  /// takes it up. Always goes on when empty.
  std::function<bool()> go_on;
};

/// What archiving did.
struct archived {
  std::vector<segment_info> segments;
  std::uint64_t removed_batches = 0;
  /// False: it was told to stop.
  bool finished = true;
};

/// The folder of a partition's segments, below "archive".
std::string archive_folder(
  std::string_view topic, const uuid& id, std::uint32_t partition);

} // namespace herald
