#pragma once

#include "actors/cursor_keeper.hpp"
#include "actors/interfaces.hpp"
#include "actors/supervision.hpp"

#include <caf/fwd.hpp>

#include <vector>

namespace herald {

/// What the statistics actors borrow from the node. All of it outlives them.
struct statistics_services {
  const event_log* log = nullptr;
  const event_codec* codec = nullptr;
  cursor_keeper* cursors = nullptr;
  topic_info match;
  std::vector<player_host_actor> player_hosts;
};

/// The follower name of the statistics in the cursor table.
constexpr const char* statistics_follower = "statistics";

/// Spawns one supervised actor per partition of `match`. Each reads its
/// partition in order and has every finished match counted by the players in
/// it; a correction takes back what the corrected version added. A chunk is
/// read once all commands of the chunk before are answered. Matches that are
/// counted again after a crash are recognised by the players' aggregates.
std::vector<statistics_actor> spawn_statistics(caf::actor_system& system,
  supervision_tree* tree, const statistics_services* services);

} // namespace herald
