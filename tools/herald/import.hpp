#pragma once

#include <string>
#include <vector>

namespace herald {

/// What `herald import` was asked to do.
struct import_options {
  /// Files, folders (searched recursively for .json and .tar.zst files) and
  /// archives.
  std::vector<std::string> paths;
  /// Base URL of the node.
  std::string node = "http://127.0.0.1:8480";
  /// Ends with one line of JSON on standard output.
  bool json = false;
  /// Documents on their way at once, 1 to 64.
  unsigned connections = 8;
  /// How long a node may be away before the import gives up, in seconds.
  unsigned retry_seconds = 5;
};

/// Sends every document below the paths to the node and counts what became
/// durable there. Returns the exit code: 0 when all were accepted or
/// duplicates, 1 when any was refused or the node went away.
int run_import(const import_options& options);

} // namespace herald
