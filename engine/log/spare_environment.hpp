#pragma once

#include "protocol/failure.hpp"

#include <cstddef>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

struct MDB_env;
struct MDB_txn;

namespace herald {

/// A second look at an LMDB data file, for reading alone. After a failed write
/// of a meta page LMDB begins no transaction any more, not even one that reads
/// (MDB_PANIC), though the last commit is there to be read. Nobody writes the
/// file from then on, so it can be read without LMDB's locks.
class spare_environment {
public:
  /// Opens the file in `folder` and all tables in it. The environment points to
  /// this object (mdb_env_get_userctx()).
  static result<std::unique_ptr<spare_environment>> open(
    const std::filesystem::path& folder, std::size_t map_bytes);

  /// No transaction may be alive.
  ~spare_environment();
  spare_environment(const spare_environment&) = delete;
  spare_environment& operator=(const spare_environment&) = delete;

  MDB_env* handle() const { return environment_; }

  /// A handle that LMDB refuses.
  static constexpr unsigned no_table = -1u;

  /// The handle of a table; no_table when there is none.
  unsigned table(std::string_view name) const;

private:
  spare_environment() = default;
  int open_tables(MDB_txn* transaction);

  MDB_env* environment_ = nullptr;
  std::map<std::string, unsigned, std::less<>> tables_;
};

} // namespace herald
