#pragma once

#include "protocol/bytes.hpp"
#include "protocol/failure.hpp"

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>

struct MDB_env;
struct MDB_txn;

namespace herald {

class spare_environment;

/// The longest key that LMDB takes. Keys are never empty.
constexpr std::size_t store_key_bytes_max = 511;

/// The largest value of a store: a match with its timeline is about 1 MiB.
constexpr std::size_t store_value_bytes_max = 16u << 20;

/// A table of an environment, open for the environment's whole life.
struct lmdb_table {
  unsigned handle = 0;
  bool operator==(const lmdb_table&) const = default;
};

/// Open tables by name.
using lmdb_tables = std::map<std::string, lmdb_table, std::less<>>;

/// The rows with from <= key < until, keys compared byte by byte. The default
/// range is the whole table.
struct key_range {
  bytes from;
  std::optional<bytes> until;

  /// The rows whose key starts with `prefix`.
  static key_range with_prefix(bytes_view prefix);
};

/// Which end of a range a scan starts from.
enum class scan_order : std::uint8_t { forward, backward };

/// Sees one row, in place, and returns false to stop. It must not write.
using scan_visitor = std::function<bool(bytes_view key, bytes_view value)>;

/// No limit, for scan().
constexpr std::size_t all_rows = std::numeric_limits<std::size_t>::max();

/// What a transaction may do to an environment. It lives during one call of
/// lmdb_environment::read() or write(), on that call's thread.
///
/// Its first failure sticks: from then on reads find nothing, writes do
/// nothing, and the surrounding call aborts the transaction and returns that
/// failure. So a caller may write without looking after each step; what it
/// computed in the meantime is thrown away.
class lmdb_transaction {
public:
  /// The value under `key`, in place: valid until the next write of this
  /// transaction, and no longer than the transaction.
  std::optional<bytes_view> get(lmdb_table table, bytes_view key);

  /// Writes a row, over an older one of the same key. Key and value beyond
  /// their bounds are fault::too_large.
  void put(lmdb_table table, bytes_view key, bytes_view value);

  /// Removes a row, and says whether there was one.
  bool erase(lmdb_table table, bytes_view key);

  /// Removes every row.
  void clear(lmdb_table table);

  /// How many rows the table has.
  std::uint64_t count(lmdb_table table);

  /// Visits at most `limit` rows of the range in key order or against it;
  /// returns how many it visited.
  std::size_t scan(lmdb_table table, const key_range& range, scan_order order,
    std::size_t limit, const scan_visitor& visit);

  /// Fails the transaction for a reason of the caller's; the first one counts.
  void fail_with(failure reason);

  /// Why the transaction will not be committed, if so.
  const std::optional<failure>& failed() const { return failed_; }

private:
  friend class lmdb_environment;
  // The handles of tables in the spare environment, by those in the failed one.
  using spare_handles = std::map<unsigned, unsigned>;
  explicit lmdb_transaction(
    MDB_txn* transaction, const spare_handles* handles = nullptr)
    : transaction_{transaction}, spare_handles_{handles} {}
  void check(int code, std::string_view what);
  unsigned handle_of(lmdb_table table) const;

  MDB_txn* transaction_;
  const spare_handles* spare_handles_;
  std::optional<failure> failed_;
  bool map_full_ = false;
};

/// Where an environment is and how far it may grow.
struct lmdb_settings {
  /// Made (0700) with its parents where it is missing; the files in it are
  /// 0600.
  std::filesystem::path directory;
  /// What the environment is called in failures and log lines: "views".
  std::string name;
  /// Size of the map at first, and by how much it grows when four fifths of it
  /// are used. Address space and, in the file, a hole: no blocks of the disk.
  std::size_t map_bytes = 64u << 20;
  std::size_t map_step_bytes = 64u << 20;
  /// Beyond that a write is fault::storage_full.
  std::size_t map_bytes_max = std::size_t{256} << 30;
  /// Tables that may be open; opening more is fault::too_large.
  unsigned tables_max = 128;
  /// Transactions that read at the same time; more hear fault::busy.
  unsigned readers_max = 510;
  /// Opens without writing anything, for `herald verify`. What is missing is
  /// fault::not_found, and writes are refused with fault::forbidden.
  bool read_only = false;
};

/// What an environment uses, for metrics.
struct lmdb_usage {
  std::uint64_t map_bytes = 0;
  /// What was ever used; freed pages are used again before it grows.
  std::uint64_t used_bytes = 0;
  std::uint64_t commits = 0;
  /// Transactions that read at this moment.
  std::uint64_t readers = 0;
};

/// An LMDB environment with its default durability: a commit that returned is
/// on disk. Views and the vault are built on it; the log has its own, since it
/// writes its file ahead.
///
/// All calls come from any thread. Reads never wait for a write, except while
/// the map grows, which takes microseconds once the reads under way have ended:
/// so reads are short, and there is no read() inside a read().
///
/// After a failed commit or sync the state of the disk is unknown: every
/// further write is refused with the same fault::io until the environment is
/// opened again (failed()).
class lmdb_environment {
public:
  /// Opens the environment. Exactly one object has it open at a time, in this
  /// process or another (an flock on its data file): fault::in_use.
  /// The data file is checked against its meta pages before anything of it is
  /// read, since reading a file that was cut off ends in SIGBUS:
  /// fault::damaged. Other faults: io, storage_full, not_found (read only).
  static result<std::unique_ptr<lmdb_environment>> open(
    const lmdb_settings& settings);

  /// No transaction may be alive.
  ~lmdb_environment();
  lmdb_environment(const lmdb_environment&) = delete;
  lmdb_environment& operator=(const lmdb_environment&) = delete;

  /// Opens the table of that name (1 to 255 bytes), and makes it where it is
  /// missing (read only: fault::not_found). Waits for writes to end; not from
  /// within a transaction.
  result<lmdb_table> table(std::string_view name);

  /// The tables opened so far, by name; later ones are not in it.
  std::shared_ptr<const lmdb_tables> tables() const;

  /// Runs `work` in the one write transaction and commits it; it is durable on
  /// return. Whoever comes meanwhile waits. If `work` fails, fails its
  /// transaction or throws, nothing is written. When the map is full it grows
  /// and `work` runs **again** from the start, so `work` must do the same
  /// again.
  result<void> write(
    const std::function<result<void>(lmdb_transaction&)>& work);

  /// Runs `work` over the state of the last commit, also after writing has
  /// failed.
  result<void> read(
    const std::function<result<void>(lmdb_transaction&)>& work) const;

  /// Writes a copy of the last commit, without unused pages, into the folder
  /// `to`, which is made (0700) and must not hold one: durable on return. It
  /// counts as one read, so for its length the map cannot grow.
  result<void> copy_to(const std::filesystem::path& to) const;

  /// Lets go of reader slots whose process has died; returns how many. open()
  /// does it once.
  int check_readers();

  lmdb_usage usage() const;
  const std::string& name() const { return settings_.name; }
  const std::filesystem::path& directory() const { return settings_.directory; }
  bool read_only() const { return settings_.read_only; }

  /// Why the environment has stopped taking writes, if it has.
  std::optional<failure> failed() const;

private:
  class read_gate;
  class read_visit;
  explicit lmdb_environment(const lmdb_settings& settings);
  result<void> make_missing_file();
  result<void> lock_and_check();
  result<void> open_environment();
  result<void> reserve(std::size_t bytes);
  result<void> grow(std::size_t step_bytes);
  result<void> write_locked(
    const std::function<result<void>(lmdb_transaction&)>& work);
  lmdb_usage usage_inside() const;
  result<bool> attempt(
    const std::function<result<void>(lmdb_transaction&)>& work);
  std::unexpected<failure> stop(int code, std::string_view what);
  result<MDB_txn*> begin_spare_reading() const;
  failure cannot_read(int code) const;

  lmdb_settings settings_;
  int file_ = -1;
  MDB_env* environment_ = nullptr;
  std::size_t map_bytes_ = 0;
  std::atomic<bool> unmapped_ = false;
  std::unique_ptr<read_gate> gate_;
  std::mutex write_mutex_;
  mutable std::mutex mutex_;
  std::shared_ptr<const lmdb_tables> tables_
    = std::make_shared<const lmdb_tables>();
  std::optional<failure> failed_;
  mutable std::mutex spare_mutex_;
  mutable std::unique_ptr<spare_environment> spare_;
  mutable lmdb_transaction::spare_handles spare_handles_;
  std::atomic<std::uint64_t> commits_ = 0;
};

} // namespace herald
