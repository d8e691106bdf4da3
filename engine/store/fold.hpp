#pragma once

#include "engine/log/event_log.hpp"
#include "engine/store/follower.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace herald {

/// Where a fold stands in one partition. Used by the follower_driver and by
/// compare_with_fold(), so that both fold in the same way.
struct followed {
  partition_id where;
  followed_partition key;
  /// The topic's name, for messages.
  std::string topic;
  offset next;
  /// Where it begins if it has not begun yet.
  offset origin;
};

/// The name of a partition that outlives the log's numbers.
followed_partition key_of(const topic_info& topic, std::uint32_t partition);

/// Why the projection's tables cannot be made again from this log, if so: they
/// hold what follows from records that retention or compaction has taken since.
std::optional<std::string> reason_history_is_gone(
  const projection& follower, const event_log& log, const view_snapshot& views);

/// What the store is to remember of a projection that folds this log.
follower_record record_of(const projection& follower, const event_log& log);

/// "the projection x stopped at topic/partition@offset: reason".
failure stopped_at(const projection& follower, const followed& part, offset at,
  const failure& reason);

/// Folds the records of `from` that are in [part.next, end) in order; returns
/// how many they were. The first failure (of apply(), thrown by it, of the
/// transaction, or a batch that cannot be read) ends it and names the record.
result<std::uint64_t> fold(projection& follower, const followed& part,
  const std::vector<stored_batch>& from, offset end, view_transaction& views);

} // namespace herald
