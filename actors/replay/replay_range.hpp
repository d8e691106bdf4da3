#pragma once

#include "engine/log/event_log.hpp"
#include "protocol/failure.hpp"
#include "protocol/position.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace herald {

/// One partition of a replay: [next, end) is still to come.
struct replay_part {
  topic_info topic;
  partition_id where;
  offset next;
  offset end;
};

/// What an operator means by a range of the log.
///
///     position   earliest | latest | OFFSET | TIME | place (',' place)*
///     place      [TOPIC '/'] PARTITION ':' OFFSET
///     TIME       2026-01-31[THH:MM[:SS[.mmm]](Z|+HH:MM|-HH:MM)], a date alone
///                begins at midnight UTC
///
/// An offset alone, a time, `earliest` and `latest` count for all partitions;
/// places name the partitions that are meant, and no others are. `latest` is
/// what is committed now. The range goes up to `to` and not including it; a
/// time stands for the first record that is not before it. Without a topic a
/// place is one of the first topic.
///
/// Example: --from 0:17,3:4 --to latest is the rest of two partitions.
///
/// Faults: invalid_input (neither of these, a partition that does not exist, an
/// offset outside of what the log holds, places that differ between the two
/// sides, an end before its beginning), and those of the log.
result<std::vector<replay_part>> resolve_range(const event_log& log,
  const std::vector<topic_info>& topics, std::string_view from,
  std::string_view to);

/// The places of a position, none for anything else or for what is malformed.
struct replay_place {
  std::string topic;
  std::uint32_t partition = 0;
  offset at;
};
std::vector<replay_place> places_of(
  const std::vector<topic_info>& topics, std::string_view position);

/// Where a replay stands, as --from takes it: the partitions that are not done,
/// with `ends` their ends, as --to takes them. Topics are named when they are
/// several. Empty when all is done.
std::string position_text(
  const std::vector<replay_part>& parts, bool ends = false);

/// Milliseconds since 1970 of a TIME as above; none for another text.
std::optional<std::int64_t> parse_time(std::string_view text);

} // namespace herald
