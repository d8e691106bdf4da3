#pragma once

#include <string>

namespace herald {

/// What `herald verify` was asked to do.
struct verify_options {
  std::string data_folder;
  bool json = false;
};

/// Checks the data folder of a stopped node: every byte of the log, then the
/// views against the fold of the log. Prints what is wrong and where. Returns
/// the exit code: 0 when all is sound, 65 when anything is damaged.
int run_verify(const verify_options& options);

} // namespace herald
