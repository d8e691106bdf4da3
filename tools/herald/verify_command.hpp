#pragma once

#include <string>
#include <vector>

namespace herald {

/// What `herald verify` was asked to do.
struct verify_options {
  /// One data folder, or segment files of an archive or a backup.
  std::vector<std::string> paths;
  bool json = false;
  /// Makes views that are wrong anew from the log, if the log is sound.
  bool repair_views = false;
};

/// Checks the data folder of a stopped node: every byte of the log with its
/// archive, the pages of the vault and the views, whether the vault belongs to
/// the log, and the views against the fold of the log; or segment files by
/// themselves. Prints what is wrong and where. Returns the exit code: 0 when
/// all is sound (or was made so), 65 when anything is damaged.
int run_verify(const verify_options& options);

} // namespace herald
