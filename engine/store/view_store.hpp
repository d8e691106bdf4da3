#pragma once

#include "engine/store/lmdb_environment.hpp"
#include "protocol/bytes.hpp"
#include "protocol/failure.hpp"
#include "protocol/position.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace herald {

/// Bounds of a view's rows. What is beyond them is fault::too_large, and the
/// transaction is not committed.
constexpr std::size_t view_key_bytes_max = store_key_bytes_max;
constexpr std::size_t view_value_bytes_max = store_value_bytes_max;
/// Of the name of a table, and of a follower.
constexpr std::size_t view_name_bytes_max = 64;

/// XXH3-128 over all rows of a table in key order: each row is its key's length
/// (u32, big-endian), the key, the value's length (u32) and the value. Equal
/// digests mean equal bytes.
struct view_digest {
  std::array<std::uint8_t, 16> value{};
  auto operator<=>(const view_digest&) const = default;
};

/// 32 lower-case hex digits.
std::string to_string(const view_digest& digest);

/// A partition whose number in the log does not matter: views may outlive the
/// log that they were made from.
struct followed_partition {
  std::array<std::uint8_t, 16> topic{};
  std::uint32_t partition = 0;
  auto operator<=>(const followed_partition&) const = default;
};

/// What the store knows of a follower as a whole. If the log's incarnation or
/// the follower's version is another now, its tables are worth nothing.
struct follower_record {
  std::uint64_t incarnation = 0;
  std::uint32_t version = 0;
  /// The tables it writes, sorted by name.
  std::vector<std::string> tables;
  bool operator==(const follower_record&) const = default;
};

/// What a read of the views sees: the state of one commit. It lives during one
/// call of view_store::read(), on that call's thread; bytes that it shows are
/// seen in place and live as long.
///
/// Tables are named by the name under which they were opened. The first
/// failure, such as a name that is not open (fault::not_found), sticks: after
/// it reads find nothing, and read() or update() returns it.
class view_snapshot {
public:
  /// The value under `key`. In a view_transaction valid until its next write.
  std::optional<bytes_view> get(std::string_view table, bytes_view key) const;

  /// Visits at most `limit` rows of the range, in key order or against it;
  /// returns how many. The visitor returns false to stop.
  std::size_t scan(std::string_view table, const key_range& range,
    scan_order order, std::size_t limit, const scan_visitor& visit) const;

  /// How many rows the table has.
  std::uint64_t count(std::string_view table) const;

  /// The digest of the table as this transaction sees it. Reads all of it.
  view_digest digest(std::string_view table) const;

  /// The next offset that the follower will read there; none before its first
  /// result.
  std::optional<offset> cursor(
    std::string_view follower, const followed_partition& where) const;

  /// Where the follower began to read there: 0, unless the start of the log was
  /// gone by then. None before its first result.
  std::optional<offset> origin(
    std::string_view follower, const followed_partition& where) const;

  /// What is recorded of the follower; none before its first reset.
  std::optional<follower_record> follower(std::string_view name) const;

  /// Why this transaction is worth nothing, if so.
  const std::optional<failure>& failed() const;

protected:
  friend class view_store;
  view_snapshot(
    std::shared_ptr<const lmdb_tables> tables, lmdb_transaction& transaction)
    : tables_{std::move(tables)}, transaction_{&transaction} {}
  std::optional<lmdb_table> find(std::string_view table) const;
  bool other_side_is_live(std::string_view table) const;

  std::shared_ptr<const lmdb_tables> tables_;
  lmdb_transaction* transaction_;
  /// What find() has found in this transaction.
  mutable lmdb_tables found_;
};

/// The same while writing. Everything written in one view_store::update() is
/// committed together or not at all, results and cursors alike.
class view_transaction : public view_snapshot {
public:
  void put(std::string_view table, bytes_view key, bytes_view value);
  /// Says whether there was such a row.
  bool erase(std::string_view table, bytes_view key);
  void clear(std::string_view table);

  /// Records how far the follower has come and, the first time, where it began.
  void set_cursor(std::string_view follower, const followed_partition& where,
    offset next, offset origin = {});

  /// Forgets what the follower has made: clears its tables, the recorded ones
  /// and those of `now`, forgets its cursors and records `now`. Its next
  /// result starts from the beginning of the log.
  void reset(std::string_view follower, const follower_record& now);

  /// Forgets the follower: its cursors and what is recorded of it, but not its
  /// tables.
  void forget(std::string_view follower);

  /// The same transaction, in which the names `tables` stand for their other
  /// sides, opened by view_store::open_other_sides(): what nobody else sees
  /// until swap_sides(). It lives no longer than this one.
  view_transaction on_other_sides(std::span<const std::string> tables);

  /// Makes the other sides of the tables the ones that everybody sees, from
  /// the commit of this transaction on, and clears those that they were.
  void swap_sides(std::span<const std::string> tables);

  /// Fails the transaction: nothing of it will be written.
  void fail_with(failure reason);

private:
  friend class view_store;
  using view_snapshot::view_snapshot;
};

/// Limits of a view store; see lmdb_settings.
struct view_store_settings {
  std::size_t map_bytes = 64u << 20;
  std::size_t map_step_bytes = 64u << 20;
  std::size_t map_bytes_max = std::size_t{256} << 30;
  bool read_only = false;
};

/// What the log folds into: named tables of rows with ordered byte keys, in one
/// environment in the folder "views" below the data folder, together with the
/// cursors of the followers that fold. A view is never the only copy of
/// anything: the folder may be deleted, and the same log makes the same bytes
/// again.
///
///     tables     @format     "format" -> u32, the version of this description
///                @sides      table name -> u8, its live side: 0 (also without
///                            a row) is the table of that name, 1 that of the
///                            name with '~' behind it. A view is made again on
///                            the other side while this one answers.
///                @followers  name -> u32 version, u64 incarnation,
///                                    (u8 length, table name)*
///                @cursors    name 00 topic-uuid[16] u32 partition
///                              -> u64 next offset, and u64 origin unless
///                                 that is 0
///                and each view's own; integers are big-endian
///     example    follower "matches", partition 3 of a topic with id 11..11,
///                read up to offset 41: key "matches" 00 11*16 00000003, value
///                000000000000002a
///
/// All calls come from any thread. There is one writer at a time; reads do not
/// wait for it.
class view_store {
public:
  /// Opens the views below `data_folder`. Faults: version (a newer format),
  /// damaged, in_use, storage_full, io, not_found (read only).
  static result<std::unique_ptr<view_store>> open(
    const std::filesystem::path& data_folder,
    const view_store_settings& settings = {});

  ~view_store();
  view_store(const view_store&) = delete;
  view_store& operator=(const view_store&) = delete;

  /// Opens tables and makes those that are missing (read only:
  /// fault::not_found). A name has 1 to 64 characters of [a-z0-9_.-]. Not from
  /// within a transaction.
  result<void> open_tables(std::span<const std::string> names);

  /// Opens the sides of tables that are not live, and makes those that are
  /// missing, for view_transaction::on_other_sides().
  result<void> open_other_sides(std::span<const std::string> names);

  /// Runs `work` and commits what it wrote: durable on return. If `work` fails
  /// or throws, or its transaction failed, nothing is written. When the map has
  /// to grow, `work` runs again from the start, on nothing of the first run.
  result<void> update(
    const std::function<result<void>(view_transaction&)>& work);

  /// Runs `work` over the last commit. Keep it short (it pins old pages), and
  /// start no other read() in it.
  result<void> read(
    const std::function<result<void>(const view_snapshot&)>& work) const;

  /// One row, copied, in a read of its own.
  result<std::optional<bytes>> get(
    std::string_view table, bytes_view key) const;

  /// The digest of a table in a read of its own.
  result<view_digest> digest(std::string_view table) const;

  /// Clears one table.
  result<void> clear(std::string_view table);

  lmdb_usage usage() const;

  /// Why the store has stopped taking writes, if it has.
  std::optional<failure> failed() const;

  /// The environment itself, for what lives beside the views: snapshots and
  /// their group_writer.
  lmdb_environment& environment() { return *environment_; }

private:
  explicit view_store(std::unique_ptr<lmdb_environment> environment);
  result<void> open_sides(std::span<const std::string> names, bool live);

  std::unique_ptr<lmdb_environment> environment_;
};

} // namespace herald
