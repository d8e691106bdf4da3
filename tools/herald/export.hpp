#pragma once

#include <string>

namespace herald {

/// What `herald export` was asked to do.
struct export_options {
  /// "players", "minutes" or "events".
  std::string what;
  std::string node = "http://127.0.0.1:8480";
  /// "csv" or "jsonl"; empty: the one that fits.
  std::string format;
  /// With events: the topic's name.
  std::string topic;
};

/// Streams a table or a topic of the node to standard output. Returns the exit
/// code; 1 also when the node's answer was cut off, since a shorter table
/// looks like a whole one.
int run_export(const export_options& options);

} // namespace herald
