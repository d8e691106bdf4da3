#pragma once

#include "actors/messages.hpp"

#include <caf/typed_actor.hpp>

// Who talks to whom. Clients hold the handle of a guardian (supervision.hpp),
// which passes everything on to the incarnation that lives, so a handle stays
// good through restarts.

namespace herald {

/// Hosts the match aggregates of one partition.
using match_host_actor = caf::typed_actor<
  // Decides and appends; the reply inside is given once the events are on disk.
  caf::reacts_to<command_atom, match_message>>;

/// Hosts the player aggregates of one partition.
using player_host_actor
  = caf::typed_actor<caf::reacts_to<command_atom, player_message>>;

/// Takes in the documents of one partition of riot.raw.
using ingest_actor = caf::typed_actor<
  // Stores, validates and records; the reply inside is given once the outcome
  // is on disk.
  caf::reacts_to<ingest_atom, ingest_message>>;

/// Follows one partition of `match` and counts its matches for the players.
using statistics_actor = caf::typed_actor<
  // The log has committed something in that partition.
  caf::reacts_to<news_atom>>;

} // namespace herald
