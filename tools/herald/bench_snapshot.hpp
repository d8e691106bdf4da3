#pragma once

#include <cstdint>
#include <filesystem>

namespace herald {

/// Measures what a snapshot saves: one player gets `events` events, and is then
/// brought back from the log alone and from its snapshot, each by a host that
/// has never seen it. Prints the figures; returns the exit code, which is a
/// failure only when the two states differ or something could not be read.
int bench_snapshot(const std::filesystem::path& folder, std::uint64_t events);

} // namespace herald
