#pragma once

#include "engine/log/entry.hpp"
#include "engine/log/event_log.hpp"
#include "protocol/bytes.hpp"
#include "protocol/failure.hpp"
#include "protocol/position.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace herald {

// The tables of the log's environment. Integers are big-endian; every value but
// those of `meta` and `terms` starts with its version. Each row of the first
// four ends with a check (engine/log/checked_row.hpp); a log of before that has
// no row "checked" and gets both when it is opened.
//
//     meta         "incarnation" -> u64        "cluster" -> 22 characters
//                  "checked" -> nothing
//     topics       name -> 1 uuid:byte[16] number:u32 partitions:u32
//     partitions   uuid:byte[16] partition:u32
//                    -> 1 log-start:u64 log-end:u64 committed-end:u64 term:u64
//                       last-term:u64 last-timestamp-ms:i64
//                       anchor:byte[16] head:byte[16]
//     terms        uuid:byte[16] partition:u32 term:u64 -> first-offset:u64
//     <32 hex digits of uuid>/<partition>
//                  base-offset:u64 -> entry (engine/log/entry.hpp)

constexpr const char* meta_table = "meta";
constexpr const char* topics_table = "topics";
constexpr const char* partitions_table = "partitions";
constexpr const char* terms_table = "terms";
constexpr std::uint32_t fixed_tables = 4;

constexpr std::string_view incarnation_key = "incarnation";
constexpr std::string_view cluster_key = "cluster";
constexpr std::string_view checked_key = "checked";

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
  bool operator==(const partition_numbers&) const = default;
};

/// What event_log::inspect() shows.
struct stored_piece {
  partition_numbers numbers;
  /// Keys and entries.
  std::vector<std::pair<bytes, bytes>> rows;
};

/// Name of the table with a partition's batches.
std::string partition_table(const uuid& topic, std::uint32_t partition);

bytes partition_key(const uuid& topic, std::uint32_t partition);
bytes term_key(const uuid& topic, std::uint32_t partition, std::uint64_t term);
bytes offset_key(offset at);
/// The offset that a key of eight bytes stands for; none for other keys.
std::optional<offset> offset_of_key(bytes_view key);

/// The table values. Reading one that is cut off is fault::damaged, a newer
/// version fault::version.
bytes encode_topic(const topic_info& topic);
result<topic_info> decode_topic(std::string_view name, bytes_view value);
bytes encode_numbers(const partition_numbers& numbers);
result<partition_numbers> decode_numbers(bytes_view value);

} // namespace herald
