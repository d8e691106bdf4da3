#pragma once

#include "protocol/failure.hpp"
#include "protocol/position.hpp"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace herald {

class event_log;

/// One thing that is wrong in a log, and where.
struct log_problem {
  /// Empty when it is of no partition, but of what all have in common.
  std::string topic;
  std::uint32_t partition = 0;
  /// The batch or record that is wrong, or the first that is missing.
  offset at;
  std::string what;
  bool operator==(const log_problem&) const = default;
};

/// "match/3@17: the CRC does not match".
std::string to_string(const log_problem& problem);

/// What verify_log() found. The log is sound when there are no problems.
struct verify_report {
  std::uint64_t topics = 0;
  std::uint64_t partitions = 0;
  std::uint64_t batches = 0;
  std::uint64_t records = 0;
  /// Of batches, as stored.
  std::uint64_t bytes = 0;
  std::uint64_t schemas = 0;
  /// By topic, partition, offset; at most problems_max of them.
  std::vector<log_problem> problems;
  /// How many more there were.
  std::uint64_t problems_left_off = 0;
};

struct verify_settings {
  /// Says whether the values of a topic start with a schema id (byte 0, four
  /// bytes of id). None do when it is empty. `_schemas` is never asked about.
  std::function<bool(std::string_view topic)> carries_schemas;
  std::size_t problems_max = 1000;
  /// Of verify_open_log(): called before each piece of a megabyte, to wait so
  /// that others get on, or to return false and end it.
  std::function<bool()> pause;
};

/// Reads every byte of the log of a stopped node: its pages (page_file), the
/// checks of its small tables, the batches' checksums, the chain of hashes,
/// offsets without gaps, counts, record times, what is remembered of producers
/// (producer_check), that the schemas named by records exist. Changes nothing,
/// and cannot be killed by what it reads. When there are no problems, LMDB can
/// read the file and overwrites nothing of it.
///
/// Faults instead of a report: not_found (no log there), in_use (a node has it
/// open), version (newer format, foreign file), damaged (the file is cut off or
/// its first pages are unreadable), io.
result<verify_report> verify_log(const std::filesystem::path& data_folder,
  const verify_settings& settings = {});

/// The same for a log that is open, while it is written: in short read
/// transactions, so without the pages that no reader comes to. Each partition
/// is read up to the committed end that it had when its turn came, or when
/// retention or compaction last changed it. From any thread.
/// Faults: unavailable (settings.pause said so), busy, io.
result<verify_report> verify_open_log(
  const event_log& log, const verify_settings& settings = {});

} // namespace herald
