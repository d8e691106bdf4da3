#pragma once

#include <filesystem>

namespace herald {

/// `herald bench growth`: what a record of 200 B costs in a log that holds 1,
/// 10 and 100 million, in one that has 1, 100 and 1,000 partitions, and in one
/// that deletes as fast as it is written. Writes 24 GB below `folder`; on a
/// disk with less room it leaves out what does not fit and says so. Prints the
/// table; exit_io when the log fails.
int bench_growth(const std::filesystem::path& folder);

} // namespace herald
