#pragma once

#include "protocol/bytes.hpp"

#include <lmdb.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>

namespace herald {

/// LMDB alone, the limit that the log is measured against: one table, values
/// appended, on a file that is written ahead, with the log's flags. Every
/// function throws std::runtime_error when LMDB refuses. For one thread.
class plain_lmdb {
public:
  /// Makes the file in an existing, empty folder.
  plain_lmdb(const std::filesystem::path& folder, std::size_t file_bytes);
  ~plain_lmdb();
  plain_lmdb(const plain_lmdb&) = delete;
  plain_lmdb& operator=(const plain_lmdb&) = delete;

  void begin();
  void append(bytes_view data);
  void commit();

private:
  void open(const std::filesystem::path& folder, std::size_t map_bytes);

  MDB_env* env_ = nullptr;
  MDB_txn* transaction_ = nullptr;
  MDB_dbi table_ = 0;
  std::uint64_t next_ = 0;
};

} // namespace herald
