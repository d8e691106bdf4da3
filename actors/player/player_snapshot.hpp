#pragma once

#include "protocol/event/player_stats_updated.hpp"
#include "protocol/schema/record.hpp"

#include <cstdint>
#include <vector>

namespace herald {

/// The stored form of player_state: see player_aggregate::encode_state(). Any
/// change of a field makes another format, which refuses older snapshots.
HERALD_RECORD(counted_snapshot, "herald.player", "CountedSnapshot",
  "How far a partition of match has been counted.",
  (std::int32_t, partition, "The partition of match."),
  (std::int64_t, cause, "Offset of the last event counted there."),
  (std::int64_t, at, "Offset of the player's event that counted it."));

HERALD_RECORD(player_snapshot, "herald.player", "PlayerSnapshot",
  "The state of a player aggregate, as it is stored.",
  (event::player_totals, totals, "Sums over all matches."),
  (std::vector<counted_snapshot>, counted, "By partition, ascending."));

} // namespace herald
