#pragma once

#include <filesystem>

namespace herald {

/// Measures the live feed of a node in this process: 1,000 subscribers of one
/// match over real sockets, 50 updates a second for `seconds`. Prints the time
/// from the report of an update to the arrival of its frame, p50 and p99,
/// frames per second and CPU seconds of the whole process per million frames.
int bench_feed(const std::filesystem::path& folder, unsigned seconds);

} // namespace herald
