#pragma once

#include "protocol/failure.hpp"

#include <cstddef>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

struct MDB_env;

namespace herald {

/// A second look at an LMDB data file, for reading alone. After a failed write
/// of a meta page LMDB begins no transaction any more, not even one that reads
/// (MDB_PANIC), though the last commit is there to be read. Nobody writes the
/// file from then on, so it can be read without LMDB's locks.
class spare_environment {
public:
  /// Opens the file in `folder` and the tables, given by the handles that they
  /// have in the environment which has failed.
  static result<std::unique_ptr<spare_environment>> open(
    const std::filesystem::path& folder, std::size_t map_bytes,
    const std::map<unsigned, std::string>& tables);

  /// No transaction may be alive.
  ~spare_environment();
  spare_environment(const spare_environment&) = delete;
  spare_environment& operator=(const spare_environment&) = delete;

  MDB_env* handle() const { return environment_; }

  /// The handle here of the table with that handle there. One that is not known
  /// yields a handle that LMDB refuses.
  unsigned table(unsigned there) const;

private:
  spare_environment() = default;

  MDB_env* environment_ = nullptr;
  std::vector<unsigned> tables_;
};

} // namespace herald
