#pragma once

#include "engine/log/event_log.hpp"
#include "engine/log/spare_environment.hpp"
#include "engine/log/written_ahead_file.hpp"
#include "protocol/bytes.hpp"
#include "protocol/failure.hpp"

#include <lmdb.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <stdexcept>
#include <string>
#include <vector>

namespace herald {

/// LMDB found a page to be impossible. Thrown through LMDB's frames in place of
/// its abort(); log_environment turns it into a failure.
struct lmdb_assertion : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// Bytes to LMDB and back, without a copy.
inline MDB_val to_value(bytes_view data) {
  return {data.size(), const_cast<char*>(data.data())};
}
inline bytes_view to_view(const MDB_val& value) {
  return {static_cast<const char*>(value.mv_data), value.mv_size};
}

/// A table of an environment. Its handle stays the same until the table is
/// deleted.
struct log_table {
  std::string name;
  /// 0 until it is open: no table with a name has that.
  std::atomic<MDB_dbi> handle{0};
};

/// mdb_dbi_open(). The handle is for this transaction alone until it ends well.
int open_table(MDB_txn* transaction, log_table& table, unsigned flags = 0);

/// The handle that a table of a log_environment has in this transaction of it.
MDB_dbi table_in(MDB_txn* transaction, const log_table& table);

/// A cursor that closes itself; not beyond its transaction.
class lmdb_cursor {
public:
  lmdb_cursor(MDB_txn* transaction, const log_table& table)
    : lmdb_cursor{transaction, table_in(transaction, table)} {}
  lmdb_cursor(MDB_txn* transaction, MDB_dbi table) {
    code_ = mdb_cursor_open(transaction, table, &cursor_);
  }
  lmdb_cursor(const lmdb_cursor&) = delete;
  lmdb_cursor& operator=(const lmdb_cursor&) = delete;
  ~lmdb_cursor() {
    if (cursor_)
      mdb_cursor_close(cursor_);
  }

  /// mdb_cursor_get; keeps what it found in key() and value().
  int move(MDB_cursor_op operation) {
    return code_ != 0 ? code_
                      : mdb_cursor_get(cursor_, &key_, &value_, operation);
  }
  int seek(bytes_view key) {
    key_ = to_value(key);
    return move(MDB_SET_RANGE);
  }
  int remove() { return mdb_cursor_del(cursor_, 0); }
  bytes_view key() const { return to_view(key_); }
  bytes_view value() const { return to_view(value_); }

private:
  MDB_cursor* cursor_ = nullptr;
  int code_ = 0;
  MDB_val key_{};
  MDB_val value_{};
};

/// What LMDB's code means, for a person.
failure lmdb_failure(
  const char* what, const std::filesystem::path& path, int code);

/// The log's LMDB environment with its file written ahead, its map that grows
/// without a transaction being live, and its fail-stop. It knows tables and
/// transactions, not what is in them.
///
/// LMDB's default durability flags only: the others lose acknowledged data.
class log_environment {
public:
  /// Opens the environment in `folder`, which holds a data file.
  static result<std::unique_ptr<log_environment>> open(
    const std::filesystem::path& folder, const log_settings& settings);

  ~log_environment();
  log_environment(const log_environment&) = delete;
  log_environment& operator=(const log_environment&) = delete;

  /// A read transaction, alive as long as this object: briefly, since pages
  /// that it sees cannot be used again and the map cannot grow. At most one in
  /// a thread.
  class reader {
  public:
    reader(reader&& other) noexcept;
    reader& operator=(reader&&) = delete;
    ~reader();
    MDB_txn* transaction() const { return transaction_; }

  private:
    friend class log_environment;
    reader(const log_environment& owner, MDB_txn* transaction,
      std::shared_lock<std::shared_mutex> map);

    const log_environment* owner_;
    MDB_txn* transaction_;
    std::shared_lock<std::shared_mutex> map_;
  };
  /// From any thread, and after writing has failed. fault::busy when too many
  /// read, io when LMDB cannot.
  result<reader> read() const;

  /// Opens a table that is there, unless it is open, for the transactions that
  /// begin later. From any thread that has none. What LMDB does for each
  /// transaction and to open one table more grows with the tables that are
  /// open, so that one is opened when it is first used.
  /// Faults: damaged (there is none of the name), busy, io.
  result<void> open(log_table& table) const;

  /// Returned by the body of write() to abort without an error of LMDB's.
  static constexpr int abandon = -1;

  /// Runs `body` in one write transaction and commits it. The body returns
  /// LMDB's code; after MDB_MAP_FULL the map grows and the body runs again from
  /// the start. One thread at a time, without a reader in that thread.
  /// Returns false when the body abandoned. Faults: storage_full (nothing was
  /// written), io (the environment has failed, now or before).
  result<bool> write(
    const std::function<int(MDB_txn*)>& body, bool use_reserve = false);
  /// The same for a body that opens tables.
  result<bool> write_tables(
    const std::function<int(MDB_txn*)>& body, bool use_reserve = false);
  /// The same while nobody reads, for a body that gives up handles of tables.
  /// May use the reserve.
  result<bool> write_alone(const std::function<int(MDB_txn*)>& body);

  log_usage usage() const;
  std::optional<failure> failed() const;
  /// Stops all writing for good.
  void fail_stop(failure why);
  MDB_env* handle() const { return env_; }

private:
  log_environment(std::filesystem::path folder, const log_settings& settings);
  result<void> open_environment();
  result<void> open_written_ahead();
  /// Lets the map reach to the end of what is written ahead.
  bool adopt_file_size();
  result<bool> write(
    const std::function<int(MDB_txn*)>& body, bool use_reserve, bool alone);
  bool grow(bool use_reserve);
  void stay_ahead();
  bool grows_fast();
  result<MDB_txn*> begin_reading() const;
  result<MDB_txn*> begin_spare_reading() const;
  void give_back(MDB_txn* transaction) const;

  std::filesystem::path folder_;
  log_settings settings_;
  MDB_env* env_ = nullptr;
  std::unique_ptr<written_ahead_file> file_;

  // Only one transaction at a time may open tables or give them up. Taken
  // before the gate.
  mutable std::mutex opening_;
  mutable std::mutex spare_mutex_;
  mutable std::unique_ptr<spare_environment> spare_;

  // Held shared by readers; exclusively to move the map. The gate keeps new
  // readers out while somebody waits to move it.
  mutable std::shared_mutex map_;
  mutable std::mutex gate_;
  std::atomic<bool> map_lost_{false};
  mutable std::mutex idle_mutex_;
  mutable std::vector<MDB_txn*> idle_readers_;

  std::atomic<std::uint64_t> map_bytes_{0};
  std::atomic<std::uint64_t> used_bytes_{0};
  // Since when the growth is measured, and what it was before; the writer's.
  std::uint64_t growth_from_ = 0;
  std::chrono::steady_clock::time_point growth_since_;
  bool growth_is_fast_ = false;
  mutable std::mutex failed_mutex_;
  std::optional<failure> failed_;
  std::atomic<bool> has_failed_{false};
};

} // namespace herald
