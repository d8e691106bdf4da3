#pragma once

#include <filesystem>

namespace herald {

/// Measures the Kafka port of a node, a process of its own, with a client that
/// sends prebuilt batches and reads answers away, so that the server is the
/// limit: throughput and processor time for 200 and 1,000 bytes in 1 and 8
/// partitions beside plain LMDB, reading back beside loopback TCP, one record
/// at a time beside a plain commit, 20,000 records a second in an open loop,
/// and a start after kill -9. Writes below `folder` and prints to standard
/// output. Returns the exit code.
int bench_kafka(const std::filesystem::path& folder);

} // namespace herald
