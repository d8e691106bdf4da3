#pragma once

#include "engine/log/event_log.hpp"
#include "engine/log/verify.hpp"
#include "protocol/batch/record_batch.hpp"

#include <lmdb.h>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace herald {

/// A folder of its own that is gone afterwards: in memory where the system has
/// such a place and nothing else is asked for, since most tests are not about
/// the disk.
class scratch_folder {
public:
  enum class place { memory, disk };
  explicit scratch_folder(place where = place::memory);
  ~scratch_folder();
  scratch_folder(const scratch_folder&) = delete;
  scratch_folder& operator=(const scratch_folder&) = delete;
  const std::filesystem::path& path() const { return path_; }

private:
  std::filesystem::path path_;
};

/// Settings that keep tests small: a file of 256 KiB that grows by as much.
log_settings small_log();

/// A batch of one record per value, all at the same record time.
bytes batch_of(
  const std::vector<std::string>& values, std::int64_t timestamp_ms = 1'000);

/// The values of all records of a batch.
std::vector<std::string> values_of(bytes_view batch);

/// A log in a folder of its own, with topic "match" of three partitions.
struct log_fixture {
  scratch_folder folder;
  log_settings settings = small_log();
  std::unique_ptr<event_log> log;
  partition_id match;

  log_fixture() { open(); }

  void open();
  void reopen();
  /// The failure with which opening the closed log ends.
  failure refusal();

  /// Appends one batch and returns the offset of its first record.
  offset append(const std::vector<std::string>& values,
    std::int64_t timestamp_ms = 1'000, bool visible = true);
  offset append_to(partition_id where, const std::vector<std::string>& values,
    std::int64_t timestamp_ms = 1'000, bool visible = true);

  /// All committed values of the partition.
  std::vector<std::string> values(offset from = {0});

  std::filesystem::path data_file() const {
    return folder.path() / "log" / "data.mdb";
  }

  /// Flips a bit of every place in the data file where `text` stands, so many
  /// bytes behind its start. The log must be closed.
  void damage(std::string_view text, std::ptrdiff_t behind = 0);

  /// Changes the closed log's tables behind its back.
  void edit(const std::string& table,
    const std::function<void(MDB_txn*, MDB_dbi)>& change);

  verify_report verify();
};

} // namespace herald
