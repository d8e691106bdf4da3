#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace herald {

/// What `herald bench` was asked to measure.
struct bench_options {
  /// "log", "kafka", "growth", "import", "archive", "generate", "feed" or
  /// "snapshot".
  std::string what;
  /// With import and archive: files, folders or archives; without: generated
  /// games.
  std::vector<std::string> documents;
  /// Length of the measurement of `feed`, in seconds.
  unsigned seconds = 5;
  /// With snapshot: events of the aggregate.
  std::uint64_t events = 1'000'000;
  /// Where to write; empty: a fresh folder in the system's place for those,
  /// removed at the end.
  std::string folder;
};

/// Measures and prints figures, with ratios to limits measured in the same
/// run. Returns the exit code; a slow machine is no failure.
int run_bench(const bench_options& options);

} // namespace herald
