#pragma once

#include "engine/log/backup.hpp"
#include "engine/log/checked_row.hpp"
#include "engine/log/segment.hpp"
#include "protocol/bytes.hpp"
#include "protocol/failure.hpp"

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace herald {

// The files of a backup (engine/log/backup.hpp) to bytes and back. For
// back_up() and restore_backup() alone.

/// A file of a backup, by its path below it.
struct backup_file {
  std::string path;
  std::uint64_t bytes = 0;
  segment_digest digest{};
  bool operator==(const backup_file&) const = default;
};

struct backup_manifest {
  backup_report report;
  std::vector<backup_file> files;
};

/// A table of the log's environment, copied out.
struct table_dump {
  std::string name;
  /// By key.
  std::vector<std::pair<bytes, bytes>> rows;

  /// The first row whose key is not below that.
  auto from(bytes_view key) const {
    return std::ranges::lower_bound(
      rows, key, {}, [](const auto& row) { return bytes_view{row.first}; });
  }
};

/// What `decode` makes of a row's value, whose check is right.
template <class Decode>
auto decode_checked(bytes_view key, bytes_view stored, Decode&& decode)
  -> decltype(decode(stored)) {
  auto value = without_row_check(key, stored);
  if (!value)
    return std::unexpected{std::move(value).error()};
  return decode(*value);
}

bytes encode_tables(const std::vector<table_dump>& tables);
/// fault::damaged or version.
result<std::vector<table_dump>> decode_tables(bytes_view content);

/// Writes both manifest files, durably, manifest.json last.
result<void> write_manifest(
  const std::filesystem::path& folder, const backup_manifest& manifest);
/// Checks it against its digest. fault::not_found when the folder holds no
/// finished backup, damaged, version.
result<backup_manifest> read_manifest(const std::filesystem::path& folder);

/// Writes a file whole, with its folders, and syncs it.
result<void> write_file(const std::filesystem::path& path, bytes_view content);
/// Reads a file whole; more than `bytes_max` is fault::too_large.
result<bytes> read_file(
  const std::filesystem::path& path, std::uint64_t bytes_max);

/// Copies a file in pieces and syncs it; `piece` is told the size of each and
/// says whether to go on (fault::unavailable otherwise). Returns size and
/// digest of the whole, and the digest of all but the last `tail` bytes.
struct copied_file {
  std::uint64_t bytes = 0;
  segment_digest digest{};
  segment_digest front_digest{};
};
result<copied_file> copy_file(const std::filesystem::path& from,
  const std::filesystem::path& to, std::size_t tail,
  const std::function<result<void>(std::size_t bytes)>& piece);
/// The same without a copy.
result<copied_file> digest_file(const std::filesystem::path& path);

/// fault::invalid_input when the folder is there and holds something; makes it
/// otherwise.
result<void> make_empty_folder(
  const std::filesystem::path& path, std::string_view what);

} // namespace herald
