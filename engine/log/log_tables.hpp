#pragma once

#include "engine/log/archive.hpp"
#include "engine/log/entry.hpp"
#include "engine/log/event_log.hpp"
#include "protocol/bytes.hpp"
#include "protocol/failure.hpp"
#include "protocol/position.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace herald {

// The tables of the log's environment. Integers are big-endian; every value but
// those of `meta` and `terms` starts with its version. Each row of the first
// five ends with a check (engine/log/checked_row.hpp); a log of before that has
// no row "checked" and gets both when it is opened.
//
//     meta         "incarnation" -> u64        "cluster" -> 22 characters
//                  "checked" -> nothing     "producer-id" -> u64
//                  "next-topic" -> u64, once a topic was deleted: no topic gets
//                    a smaller number
//                  "deleted/" uuid:byte[16] -> u64 partitions of a deleted
//                    topic that are still to be freed, the last ones first
//     topics       name -> 1 uuid:byte[16] number:u32 partitions:u32
//                        | 2 uuid:byte[16] number:u32 partitions:u32 setting*
//       setting  = name-size:u8 name value-size:u16 value
//     partitions   uuid:byte[16] partition:u32
//                    -> 1 numbers | 2 numbers cleaning
//       numbers  = log-start:u64 log-end:u64 committed-end:u64 term:u64
//                  last-term:u64 last-timestamp-ms:i64
//                  anchor:byte[16] head:byte[16]
//       cleaning = generation:u32 clean-end:u64 pass-end:u64 clean-bytes:u64
//                  tombstones-below:u64 tombstones-since-ms:i64
//                  seams:u8(0-2) seam*
//       seam     = at:u64 before:byte[16] after:byte[16]
//     terms        uuid:byte[16] partition:u32 term:u64 -> first-offset:u64
//     producers    engine/log/producer_state.hpp
//     segments     engine/log/archive.hpp
//     <32 hex digits of uuid>/<partition>
//                  base-offset:u64 -> entry (engine/log/entry.hpp)
//
// Version 2 of a value is written where a topic has settings, or a partition
// was compacted; a log without either is the same as before. Example: settings
// {"cleanup.policy": "compact"} are 0e 636c65616e75702e706f6c696379 0007
// 636f6d70616374.
//
// The chain of a compacted partition has seams: an entry at or behind `at` was
// chained to one that compaction has rewritten or removed since. There the
// chain of the entries in front ends in `before`, and goes on from `after`.

constexpr const char* meta_table = "meta";
constexpr const char* topics_table = "topics";
constexpr const char* partitions_table = "partitions";
constexpr const char* terms_table = "terms";
constexpr const char* producers_table = "producers";
constexpr const char* segments_table = "segments";
constexpr std::uint32_t fixed_tables = 6;

constexpr std::string_view incarnation_key = "incarnation";
constexpr std::string_view cluster_key = "cluster";
constexpr std::string_view checked_key = "checked";
constexpr std::string_view next_topic_key = "next-topic";
constexpr std::string_view deleted_prefix = "deleted/";

/// A place where the chain of a partition does not go on from the entry in
/// front, but from one that compaction has replaced.
struct chain_seam {
  offset at;
  chain_hash before{};
  chain_hash after{};
  bool operator==(const chain_seam&) const = default;
};

/// How far compaction has come in a partition.
struct cleaning_numbers {
  /// Passes begun: 0 means that there are no gaps.
  std::uint32_t generation = 0;
  /// Below it each key stands once; nothing but a pass changes what is there.
  offset clean_end;
  /// Where the pass that is going on will end; 0 between passes.
  offset pass_end;
  /// What the batches below clean_end took when the last pass ended.
  std::uint64_t clean_bytes = 0;
  /// Records without a value below this offset may go delete.retention.ms
  /// after the given time; 0: there are none.
  offset tombstones_below;
  std::int64_t tombstones_since_ms = 0;
  /// Ascending. While a pass is going on the first one is where it stands.
  std::array<chain_seam, 2> seams{};
  std::uint8_t seam_count = 0;
  bool operator==(const cleaning_numbers&) const = default;
};

/// The first producer id that was not given out: u64.
constexpr std::string_view producer_id_key = "producer-id";

/// What the log knows about a partition beside its batches.
struct partition_numbers {
  offset log_start;
  offset log_end;
  offset committed_end;
  /// The term of the next append, and that of the newest entry in `terms`.
  std::uint64_t term = 0;
  std::uint64_t last_term = 0;
  std::int64_t last_timestamp_ms = 0;
  /// The chain in front of the first batch, and that of the last.
  chain_hash anchor{};
  chain_hash head{};
  cleaning_numbers cleaning;

  /// Takes a seam out of the list.
  void erase_seam(std::size_t index);
  /// Puts one in front of everything, where nothing is chained anew yet.
  void begin_seam();
  bool operator==(const partition_numbers&) const = default;
};

/// What event_log::inspect() shows.
struct inspected_rows {
  partition_numbers numbers;
  /// Key and entry of the row in front of them.
  std::optional<std::pair<bytes, bytes>> before;
  /// Keys and entries.
  std::vector<std::pair<bytes, bytes>> rows;
};

/// Name of the table with a partition's batches.
std::string partition_table(const uuid& topic, std::uint32_t partition);

bytes partition_key(const uuid& topic, std::uint32_t partition);
constexpr std::size_t partition_key_bytes = 20;
bytes producer_key(
  const uuid& topic, std::uint32_t partition, std::int64_t producer_id);
bytes term_key(const uuid& topic, std::uint32_t partition, std::uint64_t term);
bytes offset_key(offset at);
bytes deleted_key(const uuid& topic);
/// The offset that a key of eight bytes stands for; none for other keys.
std::optional<offset> offset_of_key(bytes_view key);

/// The table values. Reading one that is cut off is fault::damaged, a newer
/// version fault::version.
bytes encode_topic(
  const topic_info& topic, const topic_settings& settings = {});
/// Settings that are stored and not known (of a newer Herald) are
/// fault::version.
result<topic_info> decode_topic(
  std::string_view name, bytes_view value, topic_settings* settings = nullptr);
bytes encode_numbers(const partition_numbers& numbers);
result<partition_numbers> decode_numbers(bytes_view value);

/// From where on a partition's batches are in the environment, once some were
/// archived.
struct live_numbers {
  offset start;
  chain_hash anchor{};
  bool operator==(const live_numbers&) const = default;
};

bytes segment_key(const uuid& topic, std::uint32_t partition, offset first);
bytes encode_segment(const segment_info& segment);
/// The key is that of the row, whole.
result<segment_info> decode_segment(bytes_view key, bytes_view value);
/// Under partition_key().
bytes encode_live(const live_numbers& live);
result<live_numbers> decode_live(bytes_view value);

} // namespace herald
