#pragma once

#include "actors/interfaces.hpp"
#include "actors/supervision.hpp"

#include <caf/fwd.hpp>

#include <vector>

namespace herald {

/// Spawns one supervised host per partition of the topic `match`. Services and
/// tree outlive the actors.
std::vector<match_host_actor> spawn_match_hosts(caf::actor_system& system,
  supervision_tree* tree, const host_services* services,
  const topic_info& topic);

/// The same for the topic `player`.
std::vector<player_host_actor> spawn_player_hosts(caf::actor_system& system,
  supervision_tree* tree, const host_services* services,
  const topic_info& topic);

} // namespace herald
