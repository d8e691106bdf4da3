#pragma once

#include "engine/log/backup.hpp"
#include "protocol/failure.hpp"

#include <cstdint>
#include <filesystem>
#include <functional>

namespace herald {

/// How a backup is restored.
struct restore_settings {
  /// Called after each file.
  std::function<void(const backup_progress&)> on_progress;
  /// For the new log.
  log_settings log;
};

/// Checks a backup without changing anything: its manifest, that every file is
/// there with its size and digest, that every segment is sound and that they
/// form the chain of each partition. fault::damaged names the file and place.
result<backup_report> check_backup(const std::filesystem::path& backup);

/// Builds a data folder from a backup. `data` is missing or empty
/// (fault::invalid_input otherwise). Everything is checked before the folder
/// becomes a data folder; one that was interrupted is none and is refused by
/// every Herald. Topics keep their ids, numbers and settings, batches their
/// bytes, terms and chain; the incarnation is a new one, so that no cursor of
/// the old log is taken for one of this. Views are made again at the start.
///
/// What it returns says up to where each partition is equal to the original.
/// Faults: invalid_input, not_found (no backup there), damaged, version, io,
/// storage_full.
result<backup_report> restore_backup(const std::filesystem::path& backup,
  const std::filesystem::path& data, const restore_settings& settings = {});

} // namespace herald
