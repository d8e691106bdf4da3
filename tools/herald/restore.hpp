#pragma once

#include <string>

namespace herald {

/// What `herald restore` was asked to do.
struct restore_options {
  std::string backup;
  std::string data_folder;
  /// Ends with one line of JSON on standard output.
  bool json = false;
};

/// Builds a new data folder from a backup and prints up to which position each
/// partition is equal to the original. Returns the exit code: 0, 65 when the
/// backup is damaged or incomplete, 1 when the folder is not empty.
int run_restore(const restore_options& options);

} // namespace herald
