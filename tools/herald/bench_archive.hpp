#pragma once

#include "protocol/failure.hpp"

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace herald {

/// Documents that were unpacked, by what they are.
struct unpacked_documents {
  std::uint64_t count = 0;
  std::uint64_t bytes = 0;
  /// Each by itself in zstd, at the level of live batches.
  std::uint64_t packed_bytes = 0;
  double pack_seconds = 0;
};

/// Writes every .json file below the paths, and those in .tar.zst archives,
/// into `folder`. fault::not_found when there is none.
result<unpacked_documents> unpack_documents(
  const std::vector<std::string>& paths, const std::filesystem::path& folder);

/// Prints what the events of topic "match" in the data folder of a stopped node
/// take in each form, all of them in one partition, and the CPU seconds that
/// the forms cost. Returns the exit code.
int print_archive_figures(const std::filesystem::path& data,
  const std::filesystem::path& scratch, const unpacked_documents& documents);

} // namespace herald
