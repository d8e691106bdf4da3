#pragma once

#include "engine/store/group_writer.hpp"
#include "engine/store/view_store.hpp"
#include "protocol/bytes.hpp"
#include "protocol/failure.hpp"
#include "protocol/position.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>

namespace herald {

/// What the bytes of a state are: raised or changed whenever they mean
/// something else, so that a state of another version is never read.
struct state_format {
  /// Raised by hand when the same events fold into something else.
  std::uint32_t version = 0;
  /// Of the description of the stored fields; 0 for those without one.
  std::uint64_t fingerprint = 0;
  bool operator==(const state_format&) const = default;
};

/// The state of one aggregate, and up to where it holds the log.
struct state_snapshot {
  /// Of the log whose records were folded.
  std::uint64_t incarnation = 0;
  /// The first offset of the partition that is not folded in.
  offset next;
  state_format format;
  /// When it was taken, Unix milliseconds.
  std::int64_t taken_ms = 0;
  bytes state;
  bool operator==(const state_snapshot&) const = default;
};

/// What the snapshots are together.
struct snapshot_usage {
  std::uint64_t count = 0;
  /// Of keys and rows.
  std::uint64_t bytes = 0;
  /// When the oldest was taken, Unix milliseconds; none without snapshots.
  std::optional<std::int64_t> oldest_ms;
};

/// Limits of a snapshot_store.
struct snapshot_store_settings {
  /// Snapshots that may wait to be written; beyond, put() ends in fault::busy.
  std::size_t waiting_max = 256;
  /// False: no thread; turn() writes when it is called. For tests.
  bool own_thread = true;
};

/// The longest key of an aggregate that can have snapshots.
constexpr std::size_t snapshot_key_bytes_max = store_key_bytes_max - 20;
/// The longest state; a longer one is fault::too_large.
constexpr std::size_t snapshot_state_bytes_max = 8u << 20;

/// The latest snapshot of each aggregate, in the environment of the views. They
/// save time and nothing else: without them the same states come from the log.
///
///     table      aggregate.snapshots
///     key        topic-uuid[16] partition:u32 aggregate-key
///     row        row-version:u8 (1) incarnation:u64 next:u64 version:u32
///                fingerprint:u64 taken-ms:u64 state checksum:u64
///     checksum   XXH3-64 over the key and all of the row before it
///     integers are big-endian
///     example    incarnation 2, next 41, version 1, fingerprint 3, taken 4,
///                state "s": 01 0000000000000002 0000000000000029 00000001
///                0000000000000003 0000000000000004 73 and 8 bytes of checksum
///
/// The views outlive it. All calls come from any thread.
class snapshot_store {
public:
  static constexpr std::string_view table = "aggregate.snapshots";

  using completion = std::function<void(const result<void>&)>;

  /// Opens the table, and makes it where it is missing.
  static result<std::unique_ptr<snapshot_store>> open(
    view_store& views, const snapshot_store_settings& settings = {});

  /// Stops as stop() does.
  ~snapshot_store();

  /// The last snapshot written of an aggregate; none without one. A row that is
  /// not what was written is fault::damaged, one of another row version
  /// fault::version.
  result<std::optional<state_snapshot>> get(
    const followed_partition& where, bytes_view key) const;

  /// Hands a snapshot to the writer, over an older one of the same aggregate,
  /// and returns. `done` is called exactly once, as group_writer's: quickly,
  /// on some thread. Faults: busy, unavailable, too_large (key or state), and
  /// those of the store.
  void put(const followed_partition& where, bytes_view key,
    const state_snapshot& snapshot, completion done);

  /// Reads all rows, some at a time.
  result<snapshot_usage> usage() const;

  /// Deletes all snapshots; returns how many they were. One that is being
  /// written may come after it.
  result<std::uint64_t> clear();

  /// Writes what waits, now. Only without an own thread.
  void turn();

  /// Writes what waits and refuses what comes.
  void stop();

private:
  snapshot_store(view_store& views, const snapshot_store_settings& settings,
    lmdb_table rows);

  view_store& views_;
  lmdb_table rows_;
  group_writer writer_;
};

} // namespace herald
