#pragma once

#include "engine/log/event_log.hpp"
#include "protocol/failure.hpp"
#include "protocol/position.hpp"

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

namespace herald {

// A backup is a folder:
//
//     tables                          the log's small tables, of one moment
//     segments/TOPIC/PARTITION/*.segment   what the log held itself, unpacked
//     archive/TOPIC/PARTITION/*.segment    copies of the archived segments
//     vault/data.mdb                  the vault, of a later moment
//     manifest.json                   written last: every file with its size
//                                     and digest, positions, incarnation
//     manifest.digest                 XXH3-128 of manifest.json, 32 hex digits
//
//     tables   = "HERALDTB" version:u8(1) table* end check
//     table    = name:text row* 0:u16         ; text: size:u16 byte*
//     row      = key-size:u16(> 0) key value-size:u32 value
//     end      = 0:u16                        ; where a name would stand
//     check    = XXH3-128 of all before it
//
// `tables` has every table of the log's environment but those with batches.

/// One partition in a backup, as far as it is equal to the log.
struct backup_position {
  std::string topic;
  std::uint32_t partition = 0;
  offset start;
  offset end;
  bool operator==(const backup_position&) const = default;
};

/// How far a backup has come.
struct backup_progress {
  std::uint64_t bytes = 0;
  /// Of batches and archived files; known from the start.
  std::uint64_t bytes_total = 0;
  std::uint64_t files = 0;
};

/// How a backup is made.
struct backup_settings {
  /// Bytes per second at most; 0: as fast as it goes.
  std::uint64_t bytes_per_second = 0;
  /// Bytes that one read transaction sees at most, so that it is short.
  std::uint64_t read_bytes = 4u << 20;
  /// Called between two pieces, on the thread that backs up. False: stop, the
  /// answer is then fault::unavailable.
  std::function<bool(const backup_progress&)> on_progress;
  /// Copies the vault into this (missing) folder; called after the positions
  /// were taken, so that no event is in the backup whose person or key is not.
  std::function<result<void>(const std::filesystem::path&)> copy_vault;
  /// Waits so long; the thread sleeps when empty. For tests.
  std::function<void(std::chrono::nanoseconds)> wait;
  /// Nanoseconds of a clock that never goes back; the system's when empty.
  std::function<std::chrono::nanoseconds()> now;
};

/// What a backup holds.
struct backup_report {
  std::uint64_t incarnation = 0;
  std::string cluster;
  std::uint64_t files = 0;
  std::uint64_t bytes = 0;
  std::uint64_t records = 0;
  /// By topic and partition.
  std::vector<backup_position> positions;
};

/// Backs a live log up into `folder`, which is missing or empty. The committed
/// ends are taken first; the backup holds every partition up to there, a prefix
/// of the log. Appends go on; archiving, retention and compaction wait until it
/// is done (fault::busy). One at a time. An interrupted backup has no manifest
/// and is not taken for one.
///
/// Faults: invalid_input (the folder holds something), busy, unavailable
/// (stopped), damaged, io, storage_full.
result<backup_report> back_up(event_log& log,
  const std::filesystem::path& folder, const backup_settings& settings = {});

} // namespace herald
