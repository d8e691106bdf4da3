#pragma once

#include <cstddef>
#include <filesystem>
#include <vector>

namespace herald {

/// What `herald bench log` measures.
struct bench_log_options {
  /// Where the files are made, in folders of their own that are removed after
  /// the run: on the disk that is to be measured.
  std::filesystem::path folder;
  /// Threads that append.
  std::size_t threads = 4;
  /// Sizes of a record's value.
  std::vector<std::size_t> record_bytes = {200, 1'000};
  /// A batch holds as many records as fit into this.
  std::size_t batch_bytes = 32u << 10;
  /// Batches that each thread has on their way.
  std::size_t window = 64;
  /// Bytes of batches that a run appends.
  std::size_t run_bytes = 512u << 20;
  /// Runs of each kind; the median is printed.
  std::size_t runs = 3;
  /// Synchronous appends of one record.
  std::size_t synchronous = 1'000;
};

/// Measures the log writer against plain LMDB, with the same values, flags and
/// a file written ahead, on the same disk in turn, and prints the figures and
/// the ratios to standard output. Returns the exit code: 0, or 74 when the disk
/// refuses.
int bench_log(const bench_log_options& options);

} // namespace herald
