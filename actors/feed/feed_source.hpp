#pragma once

#include "protocol/failure.hpp"
#include "protocol/feed/cursor.hpp"
#include "protocol/position.hpp"

#include <nlohmann/json_fwd.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace herald {

/// One event of a match as the feed shows it: the change that it makes to the
/// match's state, computed once and shared by everybody who sees it.
struct feed_event {
  offset at;
  std::string match;
  /// The event's type, such as "match.live.updated".
  std::string name;
  /// Record time, Unix milliseconds.
  std::int64_t time_ms = 0;
  /// {"set":{...},"append":{...}}, see match_patch.hpp.
  std::shared_ptr<const nlohmann::json> patch;
};

/// A state and the offset of the first event that it does not contain.
struct feed_snapshot {
  std::shared_ptr<const nlohmann::json> state;
  offset next;
};

/// Where the feed hub reads: the topic `match` of the log and the views that
/// follow it. Called by the hub's thread alone.
class feed_source {
public:
  virtual ~feed_source() = default;

  virtual std::uint64_t incarnation() const = 0;
  virtual std::uint32_t partitions() const = 0;
  virtual std::uint32_t partition_of(std::string_view match) const = 0;
  virtual offset committed_end(std::uint32_t partition) const = 0;
  virtual offset log_start(std::uint32_t partition) const = 0;

  /// Events of the partition in [from, end), at most about `bytes_max` of
  /// stored batches: those whose match `wanted` says yes to get a patch, the
  /// others come without one. `reached` is set to the first offset not read.
  virtual result<std::vector<feed_event>> read(std::uint32_t partition,
    offset from, offset end,
    const std::function<bool(std::string_view)>& wanted, offset& reached)
    = 0;

  /// Events of one match in [from, end), at most `count` of them, found
  /// through the event index. `reached` as above.
  virtual result<std::vector<feed_event>> events_of(std::string_view match,
    offset from, offset end, std::size_t count, offset& reached)
    = 0;

  /// The match as the view has it; fault::not_found when no event names it.
  virtual result<feed_snapshot> snapshot(std::string_view match) = 0;

  /// Summaries of the latest matches, {"matches":[...]}, and the positions of
  /// the view in all partitions.
  virtual result<std::pair<std::shared_ptr<const nlohmann::json>, feed_cursor>>
  list() = 0;

  /// The summary of one match as the view has it now.
  virtual result<nlohmann::json> summary(std::string_view match) = 0;

  /// Up to where the view has read the partition.
  virtual offset view_cursor(std::uint32_t partition) = 0;
};

} // namespace herald
