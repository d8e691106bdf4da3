#pragma once

#include "actors/gateway/gateway.hpp"
#include "actors/supervision.hpp"

#include <caf/fwd.hpp>

namespace herald {

/// Spawns the supervised actor that runs the gateway, on a thread of its own
/// since its calls wait for Riot. `gateway` outlives it.
caf::actor spawn_gateway(
  caf::actor_system& system, supervision_tree* tree, riot_gateway* gateway);

} // namespace herald
